-- What version 13 adds: dashboards and folders live in `resource`, their past in `resource_history`.
CREATE TABLE IF NOT EXISTS unifiedstorage_migration_log (id INTEGER PRIMARY KEY AUTOINCREMENT, migration_id TEXT NOT NULL,
    sql TEXT NOT NULL, success INTEGER NOT NULL, error TEXT NOT NULL, timestamp DATETIME NOT NULL);
CREATE TABLE IF NOT EXISTS resource (guid TEXT PRIMARY KEY, resource_version INTEGER, "group" TEXT NOT NULL,
    resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, value TEXT, action INTEGER NOT NULL,
    label_set TEXT, previous_resource_version INTEGER, folder TEXT NOT NULL DEFAULT '');
CREATE UNIQUE INDEX IF NOT EXISTS UQE_resource_namespace_group_resource_name
    ON resource (namespace, "group", resource, name);
CREATE TABLE IF NOT EXISTS resource_history (guid TEXT PRIMARY KEY, resource_version INTEGER, "group" TEXT NOT NULL,
    resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, value TEXT, action INTEGER NOT NULL,
    label_set TEXT, previous_resource_version INTEGER, folder TEXT NOT NULL DEFAULT '', generation INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS resource_version ("group" TEXT NOT NULL, resource TEXT NOT NULL,
    resource_version INTEGER NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS UQE_resource_version_group_resource ON resource_version ("group", resource);
CREATE TABLE IF NOT EXISTS resource_blob (uuid TEXT PRIMARY KEY, created DATETIME NOT NULL, "group" TEXT NOT NULL,
    resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL, hash TEXT NOT NULL,
    content_type TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS resource_last_import_time ("group" TEXT NOT NULL, resource TEXT NOT NULL,
    namespace TEXT NOT NULL, last_import_time DATETIME NOT NULL);
CREATE TABLE IF NOT EXISTS secret_data_key (uid TEXT PRIMARY KEY, namespace TEXT NOT NULL, label TEXT NOT NULL,
    active INTEGER NOT NULL, provider TEXT NOT NULL, encrypted_data BLOB NOT NULL, created INTEGER NOT NULL,
    updated INTEGER NOT NULL);
