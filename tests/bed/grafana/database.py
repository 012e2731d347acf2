"""grafana.db: users, dashboards and datasources, in Grafana's tables and columns."""

import hashlib
import json
import os
import secrets
import sqlite3
import threading
import time

SCHEMA = """
CREATE TABLE IF NOT EXISTS migration_log (id INTEGER PRIMARY KEY AUTOINCREMENT, migration_id TEXT, sql TEXT,
    success INTEGER, error TEXT, timestamp DATETIME);
CREATE TABLE IF NOT EXISTS org (id INTEGER PRIMARY KEY AUTOINCREMENT, version INTEGER, name TEXT, created DATETIME,
    updated DATETIME);
CREATE TABLE IF NOT EXISTS user (id INTEGER PRIMARY KEY AUTOINCREMENT, version INTEGER, login TEXT UNIQUE, email TEXT,
    name TEXT, password TEXT, salt TEXT, rands TEXT, org_id INTEGER, is_admin INTEGER, created DATETIME,
    updated DATETIME);
CREATE TABLE IF NOT EXISTS org_user (id INTEGER PRIMARY KEY AUTOINCREMENT, org_id INTEGER, user_id INTEGER, role TEXT);
CREATE TABLE IF NOT EXISTS dashboard (id INTEGER PRIMARY KEY AUTOINCREMENT, version INTEGER, slug TEXT, title TEXT,
    data TEXT, org_id INTEGER, uid TEXT UNIQUE, created DATETIME, updated DATETIME);
CREATE TABLE IF NOT EXISTS dashboard_provisioning (id INTEGER PRIMARY KEY AUTOINCREMENT, dashboard_id INTEGER,
    name TEXT, external_id TEXT, updated INTEGER, check_sum TEXT);
CREATE TABLE IF NOT EXISTS data_source (id INTEGER PRIMARY KEY AUTOINCREMENT, org_id INTEGER, type TEXT, name TEXT,
    access TEXT, url TEXT, is_default INTEGER, json_data TEXT, secure_json_data TEXT, uid TEXT UNIQUE, read_only INTEGER);
CREATE TABLE IF NOT EXISTS annotation (id INTEGER PRIMARY KEY AUTOINCREMENT, org_id INTEGER, text TEXT, epoch INTEGER);
CREATE TABLE IF NOT EXISTS star (id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER, dashboard_uid TEXT);
"""


def hash_password(password, salt):
    """Grafana's: PBKDF2-HMAC-SHA256, 10,000 rounds, 50 bytes, hex."""
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), 10000, 50).hex()


class Database:
    """One connection behind one lock; SQLite is not the point here."""

    def __init__(self, path, wal):
        self.lock = threading.RLock()
        self.connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.connection.row_factory = sqlite3.Row
        self.execute(f"PRAGMA journal_mode={'WAL' if wal else 'DELETE'}")
        self.execute("PRAGMA synchronous=NORMAL")
        with self.lock:
            self.connection.executescript("BEGIN;" + SCHEMA + "COMMIT;")
        self.verified = {}

    def execute(self, sql, parameters=()):
        with self.lock:
            return self.connection.execute(sql, parameters).fetchall()

    def first_start(self, login, password):
        """Creates the organisation and the administrator. True when this was the first start."""
        if self.execute("SELECT id FROM user"):
            return False
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        self.execute("INSERT INTO org (id, version, name, created, updated) VALUES (1, 0, 'Main Org.', ?, ?)", (now, now))
        salt, rands = secrets.token_hex(5), secrets.token_hex(5)
        self.execute(
            "INSERT INTO user (id, version, login, email, name, password, salt, rands, org_id, is_admin, created, updated)"
            " VALUES (1, 0, ?, ?, '', ?, ?, ?, 1, 1, ?, ?)",
            (login, f"{login}@localhost", hash_password(password, salt), salt, rands, now, now),
        )
        self.execute("INSERT INTO org_user (org_id, user_id, role) VALUES (1, 1, 'Admin')")
        self.execute(
            "INSERT INTO migration_log (migration_id, sql, success, error, timestamp) VALUES ('create tables', '', 1, '', ?)",
            (now,),
        )
        return True

    def user(self, login, password):
        """The user's row when the password is right."""
        rows = self.execute("SELECT * FROM user WHERE login = ? OR email = ?", (login, login))
        if not rows:
            return None
        row = rows[0]
        # PBKDF2 is slow on purpose; a password that was right for this hash is right again.
        key = (row["password"], password)
        if key not in self.verified:
            self.verified[key] = secrets.compare_digest(hash_password(password, row["salt"]), row["password"])
        return row if self.verified[key] else None

    def set_password(self, user_id, password):
        salt = secrets.token_hex(5)
        changed = self.execute(
            "UPDATE user SET password = ?, salt = ? WHERE id = ? RETURNING id", (hash_password(password, salt), salt, user_id)
        )
        return bool(changed)

    def save_dashboard(self, model, provisioned=None):
        """Inserts or updates by uid; gives the row. `provisioned` is (provider, path, checksum)."""
        slug = "".join(c if c.isalnum() else "-" for c in model["title"].lower()).strip("-")
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        with self.lock:
            old = self.execute("SELECT id, version FROM dashboard WHERE uid = ?", (model["uid"],))
            version = old[0]["version"] + 1 if old else 1
            stored = {**model, "version": version}
            if old:
                self.execute(
                    "UPDATE dashboard SET version = ?, slug = ?, title = ?, data = ?, updated = ? WHERE uid = ?",
                    (version, slug, model["title"], json.dumps(stored), now, model["uid"]),
                )
            else:
                self.execute(
                    "INSERT INTO dashboard (version, slug, title, data, org_id, uid, created, updated)"
                    " VALUES (?, ?, ?, ?, 1, ?, ?, ?)",
                    (version, slug, model["title"], json.dumps(stored), model["uid"], now, now),
                )
            row = self.execute("SELECT * FROM dashboard WHERE uid = ?", (model["uid"],))[0]
            if provisioned:
                name, path, checksum = provisioned
                self.execute("DELETE FROM dashboard_provisioning WHERE dashboard_id = ?", (row["id"],))
                self.execute(
                    "INSERT INTO dashboard_provisioning (dashboard_id, name, external_id, updated, check_sum)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (row["id"], name, path, int(time.time()), checksum),
                )
            return row

    def delete_dashboard(self, dashboard_id):
        self.execute("DELETE FROM dashboard WHERE id = ?", (dashboard_id,))
        self.execute("DELETE FROM dashboard_provisioning WHERE dashboard_id = ?", (dashboard_id,))

    def provisioning_of(self, dashboard_id):
        rows = self.execute("SELECT * FROM dashboard_provisioning WHERE dashboard_id = ?", (dashboard_id,))
        return rows[0] if rows else None


def open_database():
    directory = os.environ.get("GF_PATHS_DATA", "/var/lib/grafana")
    return Database(os.path.join(directory, "grafana.db"), os.environ.get("GF_DATABASE_WAL") == "true")
