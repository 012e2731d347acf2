"""A test double of Grafana: see README.md in this folder."""

import sys

# The interpreter starts with -S for speed; the distribution's packages (PyYAML) are added by hand.
sys.path[:0] = ["/usr/share/grafana"]
sys.path += [path for path in ("/usr/lib/python3/dist-packages",) if path not in sys.path]

import base64
import json
import os
import secrets
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, urlsplit

import page
import provisioning
from database import open_database

VERSION = "13.2.0-double"
COMMIT = "0000000000"
SWITCHES = {name[15:]: value for name, value in os.environ.items() if name.startswith("GRAFANA_DOUBLE_")}


def log(level, message, **fields):
    """One line in Grafana's logfmt."""
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e9):09d}Z"
    parts = [f"logger=double t={stamp} level={level} msg={json.dumps(message)}"]
    parts += [f"{name}={json.dumps(str(value))}" for name, value in fields.items()]
    print(" ".join(parts), flush=True)


class Grafana:
    """The state behind the HTTP handlers."""

    def __init__(self):
        self.root = os.environ.get("GF_PATHS_PROVISIONING", "/etc/grafana/provisioning")
        self.database = open_database()
        self.sessions = {}
        self.requests = 0
        login = os.environ.get("GF_SECURITY_ADMIN_USER", "admin")
        if self.database.first_start(login, os.environ.get("GF_SECURITY_ADMIN_PASSWORD", "admin")):
            log("info", "Created default admin", user=login)

    def provision(self):
        provisioning.datasources(self.database, self.root)
        for provider in self.reload_dashboards():
            seconds = max(int(provider.get("updateIntervalSeconds", 10)), 1)
            threading.Thread(target=self.rescan, args=(provider, seconds), daemon=True).start()

    def reload_dashboards(self):
        found = provisioning.providers(self.root)
        for provider in found:
            provisioning.dashboards(self.database, provider, log)
        return found

    def rescan(self, provider, seconds):
        while True:
            time.sleep(seconds)
            provisioning.dashboards(self.database, provider, log)


class Handler(BaseHTTPRequestHandler):
    """Routes of the HTTP API, with Grafana's status codes and messages."""

    protocol_version = "HTTP/1.1"
    grafana: Grafana

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.route("GET")

    def do_POST(self):
        self.route("POST")

    def do_DELETE(self):
        self.route("DELETE")

    def route(self, method):
        self.grafana.requests += 1
        if SWITCHES.get("MODE") == "hang":
            time.sleep(3600)
        length = int(self.headers.get("Content-Length") or 0)
        self.raw = self.rfile.read(length) if length else b""
        if SWITCHES.get("MODE") == "503":
            return self.answer(503, {"message": "Service Unavailable"})
        path = urlsplit(self.path)
        if path.path == "/api/health":
            return self.health()
        if path.path == "/metrics":
            return self.metrics()
        if path.path == "/login":
            return self.login(method)
        user = self.user()
        if user is None:
            return self.unauthorized(path.path)
        return self.authorized(method, path.path, parse_qs(path.query), user)

    def health(self):
        broken = SWITCHES.get("MODE") == "database"
        self.answer(503 if broken else 200, {"database": "failing" if broken else "ok", "version": VERSION, "commit": COMMIT})

    def metrics(self):
        dashboards = self.grafana.database.execute("SELECT count(*) AS n FROM dashboard")[0]["n"]
        text = (
            "# HELP grafana_build_info A metric with a constant '1' value\n# TYPE grafana_build_info gauge\n"
            f'grafana_build_info{{version="{VERSION}",edition="double"}} 1\n'
            "# HELP grafana_stat_totals_dashboard total amount of dashboards\n# TYPE grafana_stat_totals_dashboard gauge\n"
            f"grafana_stat_totals_dashboard {dashboards}\n"
            "# HELP grafana_http_request_duration_seconds Histogram of latencies for HTTP requests.\n"
            "# TYPE grafana_http_request_duration_seconds histogram\n"
            f'grafana_http_request_duration_seconds_bucket{{handler="all",method="GET",status_code="200",le="+Inf"}} {self.grafana.requests}\n'
            f'grafana_http_request_duration_seconds_sum{{handler="all",method="GET",status_code="200"}} {self.grafana.requests / 1000}\n'
            f'grafana_http_request_duration_seconds_count{{handler="all",method="GET",status_code="200"}} {self.grafana.requests}\n'
            "# HELP process_start_time_seconds Start time of the process.\n# TYPE process_start_time_seconds gauge\n"
            f"process_start_time_seconds {START}\n"
        )
        self.send(200, text.encode(), "text/plain; version=0.0.4; charset=utf-8")

    def login(self, method):
        if method == "GET":
            return self.send(200, page.LOGIN.encode(), "text/html; charset=utf-8")
        body = self.body() or {}
        user = self.grafana.database.user(body.get("user", ""), body.get("password", ""))
        if user is None:
            return self.unauthorized("/api/login")
        token = secrets.token_hex(16)
        self.grafana.sessions[token] = user["login"]
        self.answer(200, {"message": "Logged in", "redirectUrl": "/"}, {"Set-Cookie": f"grafana_session={token}; Path=/; HttpOnly; SameSite=Strict"})

    def user(self):
        scheme, _, credentials = (self.headers.get("Authorization") or "").partition(" ")
        if scheme.lower() == "basic":
            try:
                login, _, password = base64.b64decode(credentials).decode().partition(":")
            except ValueError:
                return None
            return self.grafana.database.user(login, password)
        for cookie in (self.headers.get("Cookie") or "").split(";"):
            name, _, value = cookie.strip().partition("=")
            if name == "grafana_session" and value in self.grafana.sessions:
                return self.grafana.database.execute("SELECT * FROM user WHERE login = ?", (self.grafana.sessions[value],))[0]
        if os.environ.get("GF_AUTH_ANONYMOUS_ENABLED") == "true":
            return {"login": "anonymous", "is_admin": 0, "id": 0, "email": "", "name": ""}
        return None

    def unauthorized(self, path):
        if not path.startswith("/api/"):
            return self.send(302, b"", "text/html", {"Location": f"/login?redirectTo={quote(path, safe='')}"})
        message = "Invalid username or password" if self.headers.get("Authorization") or path == "/api/login" else "Unauthorized"
        return self.answer(401, {"extra": None, "message": message, "messageId": "session.token.missing", "statusCode": 401, "traceID": ""})

    def authorized(self, method, path, query, user):
        parts = [part for part in path.split("/") if part]
        match (method, parts):
            case ("GET", ["api", "search"]):
                self.search(query)
            case ("GET", ["api", "dashboards", "uid", uid]):
                self.get_dashboard(uid)
            case ("DELETE", ["api", "dashboards", "uid", uid]):
                self.delete_dashboard(uid)
            case ("POST", ["api", "dashboards", "db"]):
                self.post_dashboard()
            case ("GET", ["api", "datasources"]):
                self.answer(200, [self.datasource(row) for row in self.grafana.database.execute("SELECT * FROM data_source ORDER BY id")])
            case ("GET", ["api", "datasources", "uid", uid]):
                self.with_datasource(uid, lambda row: self.answer(200, self.datasource(row)))
            case ("GET", ["api", "datasources", "uid", uid, "health"]):
                self.with_datasource(uid, self.datasource_health)
            case ("POST", ["api", "ds", "query"]):
                self.query()
            case ("POST", ["api", "admin", "provisioning", what, "reload"]):
                self.reload(what, user)
            case ("GET", ["api", "users"]):
                rows = self.grafana.database.execute("SELECT id, login, email, name, is_admin FROM user")
                self.answer(200, [{**dict(row), "isAdmin": bool(row["is_admin"])} for row in rows])
            case ("GET", ["api", "user"]):
                self.answer(200, {"id": user["id"], "login": user["login"], "email": user["email"], "isGrafanaAdmin": bool(user["is_admin"])})
            case ("GET", ["api", "org"]):
                self.answer(200, {"id": 1, "name": "Main Org."})
            case ("GET", ["d", uid, *_]):
                self.page(uid)
            case ("GET", []):
                self.send(200, b"<!doctype html><title>Grafana (test double)</title><p>Test double: this is not Grafana.", "text/html")
            case _:
                self.answer(404, {"message": "Not found", "statusCode": 404})

    def search(self, query):
        text = (query.get("query") or [""])[0].lower()
        uids = query.get("dashboardUIDs") or []
        rows = self.grafana.database.execute("SELECT * FROM dashboard ORDER BY title")
        found = [row for row in rows if text in row["title"].lower() and (not uids or row["uid"] in uids)]
        self.answer(200, [
            {"id": row["id"], "uid": row["uid"], "title": row["title"], "uri": f"db/{row['slug']}", "url": f"/d/{row['uid']}/{row['slug']}",
             "type": "dash-db", "tags": json.loads(row["data"]).get("tags") or [], "isStarred": False}
            for row in found
        ])

    def dashboard_row(self, uid):
        rows = self.grafana.database.execute("SELECT * FROM dashboard WHERE uid = ?", (uid,))
        return rows[0] if rows else None

    def get_dashboard(self, uid):
        row = self.dashboard_row(uid)
        if row is None:
            return self.answer(404, {"message": "Dashboard not found", "status": "not-found"})
        origin = self.grafana.database.provisioning_of(row["id"])
        meta = {"type": "db", "slug": row["slug"], "url": f"/d/{uid}/{row['slug']}", "version": row["version"], "created": row["created"],
                "updated": row["updated"], "provisioned": origin is not None,
                "provisionedExternalId": os.path.basename(origin["external_id"]) if origin else ""}
        return self.answer(200, {"meta": meta, "dashboard": {**json.loads(row["data"]), "id": row["id"]}})

    def delete_dashboard(self, uid):
        row = self.dashboard_row(uid)
        if row is None:
            return self.answer(404, {"message": "Dashboard not found", "status": "not-found"})
        if self.grafana.database.provisioning_of(row["id"]):
            return self.answer(400, {"message": "provisioned dashboard cannot be deleted"})
        self.grafana.database.delete_dashboard(row["id"])
        return self.answer(200, {"title": row["title"], "message": f"Dashboard {row['title']} deleted", "uid": uid})

    def post_dashboard(self):
        body = self.body() or {}
        model = body.get("dashboard")
        if not isinstance(model, dict) or not model.get("title"):
            return self.answer(400, {"message": "Dashboard title cannot be empty", "status": "empty-name"})
        model["uid"] = model.get("uid") or secrets.token_hex(7)
        row = self.dashboard_row(model["uid"])
        if row and self.grafana.database.provisioning_of(row["id"]):
            return self.answer(400, {"message": "Cannot save provisioned dashboard"})
        if row and not body.get("overwrite") and model.get("version") != row["version"]:
            return self.answer(412, {"message": "The dashboard has been changed by someone else", "status": "version-mismatch"})
        row = self.grafana.database.save_dashboard(model)
        return self.answer(200, {"id": row["id"], "uid": row["uid"], "url": f"/d/{row['uid']}/{row['slug']}", "status": "success", "version": row["version"], "slug": row["slug"]})

    def datasource(self, row):
        return {"id": row["id"], "uid": row["uid"], "orgId": 1, "name": row["name"], "type": row["type"], "access": row["access"], "url": row["url"],
                "isDefault": bool(row["is_default"]), "jsonData": json.loads(row["json_data"]), "readOnly": bool(row["read_only"])}

    def with_datasource(self, uid, action):
        rows = self.grafana.database.execute("SELECT * FROM data_source WHERE uid = ?", (uid,))
        if not rows:
            return self.answer(404, {"message": "Data source not found", "messageId": "datasource.notFound", "statusCode": 404})
        return action(rows[0])

    def datasource_health(self, row):
        import prometheus

        try:
            prometheus.ask(row, "/api/v1/query", {"query": "1+1"})
        except prometheus.QueryError as error:
            return self.answer(400, {"status": "ERROR", "message": str(error)})
        return self.answer(200, {"status": "OK", "message": "Successfully queried the Prometheus API."})

    def query(self):
        import prometheus

        body = self.body()
        if not isinstance(body, dict) or not body.get("queries"):
            return self.answer(400, {"message": "No queries found", "messageId": "query.noQueries", "statusCode": 400})
        return self.answer(*prometheus.query_all(self.grafana.database, body))

    def reload(self, what, user):
        if not user["is_admin"]:
            return self.answer(403, {"message": "Permission denied"})
        try:
            if what == "dashboards":
                self.grafana.reload_dashboards()
                return self.answer(200, {"message": "Dashboards config reloaded"})
            if what == "datasources":
                provisioning.datasources(self.grafana.database, self.grafana.root)
                return self.answer(200, {"message": "Datasources config reloaded"})
        except provisioning.Refused as error:
            log("error", "provisioning failed", error=error)
            return self.answer(500, {"message": "Failed to reload " + what + " config"})
        return self.answer(404, {"message": "Not found", "statusCode": 404})

    def page(self, uid):
        row = self.dashboard_row(uid)
        if row is None:
            return self.send(404, b"<!doctype html><title>Dashboard not found</title>Dashboard not found", "text/html")
        return self.send(200, page.dashboard(self.grafana.database, json.loads(row["data"])).encode(), "text/html; charset=utf-8")

    def body(self):
        try:
            return json.loads(self.raw)
        except ValueError:
            return None

    def answer(self, status, value, headers=None):
        self.send(status, json.dumps(value).encode(), "application/json; charset=UTF-8", headers)

    def send(self, status, content, kind, headers=None):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


START = time.time()


def main():
    time.sleep(int(SWITCHES.get("SLOW_START_MS", 0)) / 1000)
    grafana = Grafana()
    try:
        grafana.provision()
    except provisioning.Refused as error:
        log("error", "Failed to provision data sources", error=error)
        sys.exit(1)
    Handler.grafana = grafana
    server = Server(("0.0.0.0", int(os.environ.get("GF_SERVER_HTTP_PORT", 3000))), Handler)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    if "CRASH_AFTER_MS" in SWITCHES:
        threading.Timer(int(SWITCHES["CRASH_AFTER_MS"]) / 1000, lambda: (log("error", "told to crash"), os._exit(3))).start()
    log("info", "HTTP Server Listen", address=f"0.0.0.0:{server.server_port}", note="test double, not Grafana")
    server.serve_forever()


if __name__ == "__main__":
    main()
