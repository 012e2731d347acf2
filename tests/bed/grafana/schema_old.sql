-- The tables of Grafana 9.3 that the double uses, with the columns that a real 9.3.2 shows.
CREATE TABLE IF NOT EXISTS "migration_log" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "migration_id" TEXT NOT NULL,
    "sql" TEXT NOT NULL, "success" INTEGER NOT NULL, "error" TEXT NOT NULL, "timestamp" DATETIME NOT NULL);
CREATE TABLE IF NOT EXISTS "org" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "version" INTEGER NOT NULL, "name" TEXT NOT
    NULL, "address1" TEXT, "address2" TEXT, "city" TEXT, "state" TEXT, "zip_code" TEXT, "country" TEXT,
    "billing_email" TEXT, "created" DATETIME NOT NULL, "updated" DATETIME NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS "UQE_org_name" ON "org" ("name");
CREATE TABLE IF NOT EXISTS "org_user" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "org_id" INTEGER NOT NULL, "user_id"
    INTEGER NOT NULL, "role" TEXT NOT NULL, "created" DATETIME NOT NULL, "updated" DATETIME NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS "UQE_org_user_org_id_user_id" ON "org_user" ("org_id","user_id");
CREATE TABLE IF NOT EXISTS "user" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "version" INTEGER NOT NULL, "login" TEXT
    NOT NULL, "email" TEXT NOT NULL, "name" TEXT, "password" TEXT, "salt" TEXT, "rands" TEXT, "company" TEXT, "org_id"
    INTEGER NOT NULL, "is_admin" INTEGER NOT NULL, "email_verified" INTEGER, "theme" TEXT, "created" DATETIME NOT
    NULL, "updated" DATETIME NOT NULL, "help_flags1" INTEGER NOT NULL DEFAULT 0, "last_seen_at" DATETIME,
    "is_disabled" INTEGER NOT NULL DEFAULT 0, "is_service_account" BOOLEAN DEFAULT 0);
CREATE UNIQUE INDEX IF NOT EXISTS "UQE_user_login" ON "user" ("login");
CREATE UNIQUE INDEX IF NOT EXISTS "UQE_user_email" ON "user" ("email");
CREATE TABLE IF NOT EXISTS "dashboard" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "version" INTEGER NOT NULL, "slug"
    TEXT NOT NULL, "title" TEXT NOT NULL, "data" TEXT NOT NULL, "org_id" INTEGER NOT NULL, "created" DATETIME NOT
    NULL, "updated" DATETIME NOT NULL, "updated_by" INTEGER, "created_by" INTEGER, "gnet_id" INTEGER, "plugin_id"
    TEXT, "folder_id" INTEGER NOT NULL DEFAULT 0, "is_folder" INTEGER NOT NULL DEFAULT 0, "has_acl" INTEGER NOT NULL
    DEFAULT 0, "uid" TEXT, "is_public" INTEGER NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX IF NOT EXISTS "UQE_dashboard_org_id_uid" ON "dashboard" ("org_id","uid");
CREATE UNIQUE INDEX IF NOT EXISTS "UQE_dashboard_org_id_folder_id_title" ON "dashboard" ("org_id","folder_id","title");
CREATE TABLE IF NOT EXISTS "dashboard_version" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "dashboard_id" INTEGER NOT
    NULL, "parent_version" INTEGER NOT NULL, "restored_from" INTEGER NOT NULL, "version" INTEGER NOT NULL, "created"
    DATETIME NOT NULL, "created_by" INTEGER NOT NULL, "message" TEXT NOT NULL, "data" TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS "UQE_dashboard_version_dashboard_id_version" ON "dashboard_version" ("dashboard_id","version");
CREATE TABLE IF NOT EXISTS "dashboard_provisioning" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "dashboard_id" INTEGER,
    "name" TEXT NOT NULL, "external_id" TEXT NOT NULL, "updated" INTEGER NOT NULL DEFAULT 0, "check_sum" TEXT);
CREATE TABLE IF NOT EXISTS "dashboard_acl" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "org_id" INTEGER NOT NULL,
    "dashboard_id" INTEGER NOT NULL, "user_id" INTEGER, "team_id" INTEGER, "permission" INTEGER NOT NULL DEFAULT 4,
    "role" TEXT, "created" DATETIME NOT NULL, "updated" DATETIME NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS "UQE_dashboard_acl_dashboard_id_user_id" ON "dashboard_acl" ("dashboard_id","user_id");
CREATE UNIQUE INDEX IF NOT EXISTS "UQE_dashboard_acl_dashboard_id_team_id" ON "dashboard_acl" ("dashboard_id","team_id");
CREATE TABLE IF NOT EXISTS "dashboard_tag" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "dashboard_id" INTEGER NOT NULL,
    "term" TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS "star" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "user_id" INTEGER NOT NULL, "dashboard_id"
    INTEGER NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS "UQE_star_user_id_dashboard_id" ON "star" ("user_id","dashboard_id");
CREATE TABLE IF NOT EXISTS "data_source" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "org_id" INTEGER NOT NULL, "version"
    INTEGER NOT NULL, "type" TEXT NOT NULL, "name" TEXT NOT NULL, "access" TEXT NOT NULL, "url" TEXT NOT NULL,
    "password" TEXT, "user" TEXT, "database" TEXT, "basic_auth" INTEGER NOT NULL, "basic_auth_user" TEXT,
    "basic_auth_password" TEXT, "is_default" INTEGER NOT NULL, "json_data" TEXT, "created" DATETIME NOT NULL,
    "updated" DATETIME NOT NULL, "with_credentials" INTEGER NOT NULL DEFAULT 0, "secure_json_data" TEXT, "read_only"
    INTEGER, "uid" TEXT NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX IF NOT EXISTS "UQE_data_source_org_id_name" ON "data_source" ("org_id","name");
CREATE UNIQUE INDEX IF NOT EXISTS "UQE_data_source_org_id_uid" ON "data_source" ("org_id","uid");
CREATE TABLE IF NOT EXISTS "data_keys" ("name" TEXT PRIMARY KEY, "active" INTEGER NOT NULL, "scope" TEXT NOT NULL,
    "provider" TEXT NOT NULL, "encrypted_data" BLOB NOT NULL, "created" DATETIME NOT NULL, "updated" DATETIME NOT
    NULL, "label" TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS "secrets" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "org_id" INTEGER NOT NULL, "namespace"
    TEXT NOT NULL, "type" TEXT NOT NULL, "value" TEXT, "created" DATETIME NOT NULL, "updated" DATETIME NOT NULL);
CREATE TABLE IF NOT EXISTS "kv_store" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "org_id" INTEGER NOT NULL, "namespace"
    TEXT NOT NULL, "key" TEXT NOT NULL, "value" TEXT NOT NULL, "created" DATETIME NOT NULL, "updated" DATETIME NOT
    NULL);
CREATE UNIQUE INDEX IF NOT EXISTS "UQE_kv_store_org_id_namespace_key" ON "kv_store" ("org_id","namespace","key");
CREATE TABLE IF NOT EXISTS "annotation" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "org_id" INTEGER NOT NULL, "alert_id"
    INTEGER, "user_id" INTEGER, "dashboard_id" INTEGER, "panel_id" INTEGER, "category_id" INTEGER, "type" TEXT NOT
    NULL, "title" TEXT NOT NULL, "text" TEXT NOT NULL, "metric" TEXT, "prev_state" TEXT NOT NULL, "new_state" TEXT NOT
    NULL, "data" TEXT NOT NULL, "epoch" INTEGER NOT NULL, "region_id" INTEGER DEFAULT 0, "tags" TEXT, "created"
    INTEGER DEFAULT 0, "updated" INTEGER DEFAULT 0, "epoch_end" INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS "annotation_tag" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "annotation_id" INTEGER NOT NULL,
    "tag_id" INTEGER NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS "UQE_annotation_tag_annotation_id_tag_id" ON "annotation_tag" ("annotation_id","tag_id");
CREATE TABLE IF NOT EXISTS "tag" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "key" TEXT NOT NULL, "value" TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS "UQE_tag_key_value" ON "tag" ("key","value");
CREATE TABLE IF NOT EXISTS "preferences" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "org_id" INTEGER NOT NULL, "user_id"
    INTEGER NOT NULL, "version" INTEGER NOT NULL, "home_dashboard_id" INTEGER NOT NULL, "timezone" TEXT NOT NULL,
    "theme" TEXT NOT NULL, "created" DATETIME NOT NULL, "updated" DATETIME NOT NULL, "team_id" INTEGER, "week_start"
    TEXT, "json_data" TEXT);
CREATE TABLE IF NOT EXISTS "team" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "name" TEXT NOT NULL, "org_id" INTEGER NOT
    NULL, "created" DATETIME NOT NULL, "updated" DATETIME NOT NULL, "email" TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS "UQE_team_org_id_name" ON "team" ("org_id","name");
CREATE TABLE IF NOT EXISTS "api_key" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "org_id" INTEGER NOT NULL, "name" TEXT
    NOT NULL, "key" TEXT NOT NULL, "role" TEXT NOT NULL, "created" DATETIME NOT NULL, "updated" DATETIME NOT NULL,
    "expires" INTEGER, "service_account_id" INTEGER, "last_used_at" DATETIME, "is_revoked" INTEGER DEFAULT 0);
CREATE UNIQUE INDEX IF NOT EXISTS "UQE_api_key_key" ON "api_key" ("key");
CREATE UNIQUE INDEX IF NOT EXISTS "UQE_api_key_org_id_name" ON "api_key" ("org_id","name");
CREATE TABLE IF NOT EXISTS "library_element" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "org_id" INTEGER NOT NULL,
    "folder_id" INTEGER NOT NULL, "uid" TEXT NOT NULL, "name" TEXT NOT NULL, "kind" INTEGER NOT NULL, "type" TEXT NOT
    NULL, "description" TEXT NOT NULL, "model" TEXT NOT NULL, "created" DATETIME NOT NULL, "created_by" INTEGER NOT
    NULL, "updated" DATETIME NOT NULL, "updated_by" INTEGER NOT NULL, "version" INTEGER NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS "UQE_library_element_org_id_folder_id_name_kind" ON "library_element" ("org_id","folder_id","name","kind");
CREATE UNIQUE INDEX IF NOT EXISTS "UQE_library_element_org_id_uid" ON "library_element" ("org_id","uid");
CREATE TABLE IF NOT EXISTS "library_element_connection" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "element_id" INTEGER
    NOT NULL, "kind" INTEGER NOT NULL, "connection_id" INTEGER NOT NULL, "created" DATETIME NOT NULL, "created_by"
    INTEGER NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS "UQE_library_element_connection_element_id_kind_connection_id" ON "library_element_connection" ("element_id","kind","connection_id");
CREATE TABLE IF NOT EXISTS "alert_rule" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "org_id" INTEGER NOT NULL, "title"
    TEXT NOT NULL, "condition" TEXT NOT NULL, "data" TEXT NOT NULL, "updated" DATETIME NOT NULL, "interval_seconds"
    INTEGER NOT NULL DEFAULT 60, "version" INTEGER NOT NULL DEFAULT 0, "uid" TEXT NOT NULL DEFAULT 0, "namespace_uid"
    TEXT NOT NULL, "rule_group" TEXT NOT NULL, "no_data_state" TEXT NOT NULL DEFAULT 'NoData', "exec_err_state" TEXT
    NOT NULL DEFAULT 'Alerting', "for" INTEGER NOT NULL DEFAULT 0, "annotations" TEXT, "labels" TEXT, "dashboard_uid"
    TEXT, "panel_id" INTEGER, "rule_group_idx" INTEGER NOT NULL DEFAULT 1);
CREATE UNIQUE INDEX IF NOT EXISTS "UQE_alert_rule_org_id_uid" ON "alert_rule" ("org_id","uid");
CREATE UNIQUE INDEX IF NOT EXISTS "UQE_alert_rule_org_id_namespace_uid_title" ON "alert_rule" ("org_id","namespace_uid","title");
CREATE TABLE IF NOT EXISTS "alert_configuration" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "alertmanager_configuration"
    TEXT NOT NULL, "configuration_version" TEXT NOT NULL, "created_at" INTEGER NOT NULL, "default" INTEGER NOT NULL
    DEFAULT 0, "org_id" INTEGER NOT NULL DEFAULT 0, "configuration_hash" TEXT NOT NULL DEFAULT 'not-yet-calculated');
CREATE TABLE IF NOT EXISTS "user_auth_token" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "user_id" INTEGER NOT NULL,
    "auth_token" TEXT NOT NULL, "prev_auth_token" TEXT NOT NULL, "user_agent" TEXT NOT NULL, "client_ip" TEXT NOT
    NULL, "auth_token_seen" INTEGER NOT NULL, "seen_at" INTEGER, "rotated_at" INTEGER NOT NULL, "created_at" INTEGER
    NOT NULL, "updated_at" INTEGER NOT NULL, "revoked_at" INTEGER);
CREATE UNIQUE INDEX IF NOT EXISTS "UQE_user_auth_token_auth_token" ON "user_auth_token" ("auth_token");
CREATE UNIQUE INDEX IF NOT EXISTS "UQE_user_auth_token_prev_auth_token" ON "user_auth_token" ("prev_auth_token");
CREATE TABLE IF NOT EXISTS "session" ("key" TEXT PRIMARY KEY, "data" BLOB NOT NULL, "expiry" INTEGER NOT NULL);
