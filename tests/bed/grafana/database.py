"""grafana.db: the connection, the start's migrations, users, sealed passwords, annotations."""

import base64
import hashlib
import json
import os
import secrets
import sqlite3
import threading
import time

import envelope
from config import DEFAULT_SECRET_KEY, MODE, OLD_LAYOUT, is_on, log, setting
from dashboards import Dashboards, Resources, migrate

HERE = os.path.dirname(os.path.abspath(__file__))
# Larger databases are opened unchecked: a start must not take half a minute.
CHECKED_BYTES = 512 << 20
FAILED_LOGINS = 5
LOCKED_SECONDS = 300


class Damaged(Exception):
    """The database cannot be used; the text is SQLite's or the migration's."""


def now():
    return time.strftime("%Y-%m-%d %H:%M:%S")


def hash_password(password, salt):
    """Grafana's: PBKDF2-HMAC-SHA256, 10,000 rounds, 50 bytes, hex."""
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), 10000, 50).hex()


class Database:
    """One connection behind one lock; SQLite is not the point here."""

    def __init__(self, path, wal):
        self.path = path
        self.lock = threading.RLock()
        self.connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
        self.connection.row_factory = sqlite3.Row
        self.verified, self.failures = {}, {}
        self.secret_key = setting("SECURITY_SECRET_KEY", DEFAULT_SECRET_KEY).encode()
        try:
            self.start(wal)
        except sqlite3.DatabaseError as error:
            raise Damaged(str(error)) from error
        self.boards = Dashboards(self) if OLD_LAYOUT else Resources(self)

    def start(self, wal):
        found = "ok"
        if os.path.getsize(self.path) < CHECKED_BYTES:
            found = self.connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise Damaged("database disk image is malformed: " + " ".join(found.split()))
        # An old Grafana has no setting for it, and keeps the mode that it finds.
        if wal is not None:
            self.execute(f"PRAGMA journal_mode={'WAL' if wal else 'DELETE'}")
        self.execute("PRAGMA synchronous=NORMAL")
        with self.lock:
            self.script("schema_old.sql")
            if not self.execute("SELECT 1 FROM migration_log LIMIT 1"):
                self.record("migration_log", "create tables")
        if MODE == "migration":
            # Half done before it fails, so that only a copy from before helps.
            self.execute("CREATE TABLE IF NOT EXISTS half_migrated (id INTEGER)")
            self.execute("DELETE FROM dashboard_version")
            self.record("migration_log", "unstorable migration", "no such column: told_to_fail")
            raise Damaged("migration failed (id = unstorable migration): no such column: told_to_fail")
        if not OLD_LAYOUT:
            self.script("schema_new.sql")
            migrate(self)

    def script(self, name):
        with open(os.path.join(HERE, name), encoding="utf-8") as file:
            self.connection.executescript("BEGIN IMMEDIATE;" + file.read() + "COMMIT;")

    def record(self, table, what, error=""):
        self.execute(
            f"INSERT INTO {table} (migration_id, sql, success, error, timestamp) VALUES (?, '', ?, ?, ?)",
            (what, int(not error), error, now()),
        )

    def execute(self, sql, parameters=()):
        with self.lock:
            return self.connection.execute(sql, parameters).fetchall()

    def insert(self, table, **columns):
        """Inserts a row and gives its id."""
        names = ", ".join(f'"{name}"' for name in columns)
        marks = ", ".join("?" * len(columns))
        with self.lock:
            cursor = self.connection.execute(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', tuple(columns.values()))
            return cursor.lastrowid

    def transaction(self):
        return Transaction(self)

    # Users

    def first_start(self, login, password):
        """Creates the organisation and the administrator. True when this was the first start."""
        if self.execute("SELECT id FROM user"):
            return False
        self.execute("INSERT OR IGNORE INTO org (id, version, name, created, updated) VALUES (1, 0, 'Main Org.', ?, ?)", (now(), now()))
        self.add_user(login, f"{login}@localhost", "", password, is_admin=1, role="Admin")
        return True

    def add_user(self, login, email, name, password, is_admin=0, role="Viewer"):
        salt, rands = secrets.token_hex(5), secrets.token_hex(5)
        user_id = self.insert(
            "user", version=0, login=login, email=email, name=name, password=hash_password(password, salt), salt=salt,
            rands=rands, org_id=1, is_admin=is_admin, created=now(), updated=now(),
        )
        self.insert("org_user", org_id=1, user_id=user_id, role=role, created=now(), updated=now())
        return user_id

    def user(self, login, password):
        """The user's row when the password is right and not too many wrong ones came before, as in Grafana."""
        failures = [at for at in self.failures.get(login, []) if at > time.time() - LOCKED_SECONDS]
        self.failures[login] = failures
        if len(failures) >= FAILED_LOGINS and not is_on("SECURITY_DISABLE_BRUTE_FORCE_LOGIN_PROTECTION"):
            log("authn.service", "warn", "too many consecutive incorrect login attempts for user - login for user temporarily blocked")
            return None
        rows = self.execute("SELECT * FROM user WHERE (login = ? OR email = ?) AND is_disabled = 0", (login, login))
        if rows and self.is_right(rows[0], password):
            self.failures[login] = []
            return rows[0]
        failures.append(time.time())
        return None

    def is_right(self, row, password):
        # PBKDF2 is slow on purpose; a password that was right for this hash is right again.
        key = (row["password"], password)
        if key not in self.verified:
            self.verified[key] = secrets.compare_digest(hash_password(password, row["salt"]), row["password"])
        return self.verified[key]

    def set_password(self, user_id, password):
        salt = secrets.token_hex(5)
        changed = self.execute(
            "UPDATE user SET password = ?, salt = ? WHERE id = ? RETURNING id", (hash_password(password, salt), salt, user_id)
        )
        return bool(changed)

    # Secrets

    def data_key(self, name=None):
        """(name, key): the named data key, or the active one, made when there is none that this secret_key opens."""
        where, given = ("name = ?", (name,)) if name else ("active = 1", ())
        for row in self.execute(f"SELECT * FROM data_keys WHERE {where} ORDER BY created DESC", given):
            key = envelope.unseal(self.secret_key, bytes(row["encrypted_data"]))
            # CFB has no check of its own; the label carries one for keys of this double.
            if name or row["label"].endswith(self.key_mark()):
                return row["name"], key
        if name:
            raise ValueError(f"failed to decrypt: data key {name} not found")
        fresh, key = secrets.token_hex(7), secrets.token_bytes(16)
        sealed = envelope.seal(self.secret_key, key)
        label = time.strftime("%Y-%m-%d") + "/root@secretKey.v1/" + self.key_mark()
        self.insert("data_keys", name=fresh, active=1, scope="root", provider="secretKey.v1", encrypted_data=sealed, created=now(), updated=now(), label=label)
        if not OLD_LAYOUT:
            self.insert("secret_data_key", uid=fresh, namespace="default", label=label, active=1, provider="secretKey.v1", encrypted_data=sealed, created=int(time.time()), updated=int(time.time()))
        return fresh, key

    def key_mark(self):
        return hashlib.sha256(b"mark" + self.secret_key).hexdigest()[:8]

    def seal(self, values):
        """secure_json_data of plain values."""
        if not values:
            return "{}"
        name, key = self.data_key()
        return json.dumps({k: base64.b64encode(envelope.seal_payload(name, key, str(v).encode())).decode() for k, v in values.items()})

    def unseal(self, text):
        """Plain values of secure_json_data. ValueError when the secret_key is another one."""
        plain = {}
        for field, value in json.loads(text or "{}").items():
            name, sealed = envelope.split_payload(base64.b64decode(value))
            try:
                plain[field] = envelope.unseal(self.data_key(name)[1], sealed).decode()
            except UnicodeDecodeError as error:
                raise ValueError("failed to decrypt the datasource's secrets: another secret_key") from error
        return plain


class Transaction:
    """One write of several rows: all or none."""

    def __init__(self, database):
        self.database = database

    def __enter__(self):
        self.database.lock.acquire()
        self.nested = self.database.connection.in_transaction
        if not self.nested:
            self.database.connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind, *_):
        try:
            if not self.nested:
                self.database.connection.execute("ROLLBACK" if kind else "COMMIT")
        finally:
            self.database.lock.release()


def open_database():
    directory = setting("PATHS_DATA", "/var/lib/grafana")
    wal = None if OLD_LAYOUT and "GF_DATABASE_WAL" not in os.environ else is_on("DATABASE_WAL")
    return Database(os.path.join(directory, "grafana.db"), wal)
