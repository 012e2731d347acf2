"""The HTTP API, as far as confidexmon and its tests use it, with Grafana's status codes and messages."""

import base64
import json
import os
import secrets
import sqlite3
import time
from urllib.parse import parse_qs, quote, urlsplit
from http.server import BaseHTTPRequestHandler

import datasources
import page
import prometheus
import provisioning
from config import COMMIT, MODE, OLD_LAYOUT, VERSION, is_on, log, setting
from dashboards import slug

# Unified storage gives no promise that a search finds what was just written.
SEARCH_LAGS = 0.7
WRITTEN = {}


class Handler(BaseHTTPRequestHandler):
    """Routes of the HTTP API."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.route("GET")

    def do_POST(self):
        self.route("POST")

    def do_PUT(self):
        self.route("PUT")

    def do_DELETE(self):
        self.route("DELETE")

    @property
    def db(self):
        return self.grafana.database

    @property
    def boards(self):
        return self.grafana.database.boards

    def route(self, method):
        self.grafana.requests += 1
        if MODE == "hang":
            time.sleep(3600)
        length = int(self.headers.get("Content-Length") or 0)
        self.raw = self.rfile.read(length) if length else b""
        if MODE == "503":
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
        try:
            return self.authorized(method, path.path, parse_qs(path.query), user)
        except sqlite3.DatabaseError as error:
            log("context", "error", "Internal server error", error=error)
            return self.answer(500, {"message": "Internal server error", "statusCode": 500})

    def health(self):
        broken = MODE == "database"
        self.answer(503 if broken else 200, {"database": "failing" if broken else "ok", "version": VERSION, "commit": COMMIT})

    def metrics(self):
        text = (
            "# HELP grafana_build_info A metric with a constant '1' value\n# TYPE grafana_build_info gauge\n"
            f'grafana_build_info{{version="{VERSION}",edition="double"}} 1\n'
            "# HELP grafana_stat_totals_dashboard total amount of dashboards\n# TYPE grafana_stat_totals_dashboard gauge\n"
            f"grafana_stat_totals_dashboard {len(self.boards.all(False))}\n"
            "# HELP grafana_http_request_duration_seconds Histogram of latencies for HTTP requests.\n"
            "# TYPE grafana_http_request_duration_seconds histogram\n"
            f'grafana_http_request_duration_seconds_bucket{{handler="all",method="GET",status_code="200",le="+Inf"}} {self.grafana.requests}\n'
            f'grafana_http_request_duration_seconds_sum{{handler="all",method="GET",status_code="200"}} {self.grafana.requests / 1000}\n'
            f'grafana_http_request_duration_seconds_count{{handler="all",method="GET",status_code="200"}} {self.grafana.requests}\n'
            "# HELP process_start_time_seconds Start time of the process.\n# TYPE process_start_time_seconds gauge\n"
            f"process_start_time_seconds {self.grafana.started}\n"
        )
        self.send(200, text.encode(), "text/plain; version=0.0.4; charset=utf-8")

    def login(self, method):
        if method == "GET":
            return self.send(200, page.LOGIN.encode(), "text/html; charset=utf-8")
        body = self.body()
        user = self.db.user(body.get("user", ""), body.get("password", ""))
        if user is None:
            return self.unauthorized("/api/login")
        token = secrets.token_hex(16)
        self.grafana.sessions[token] = user["login"]
        same_site = setting("SECURITY_COOKIE_SAMESITE", "lax").capitalize()
        self.answer(200, {"message": "Logged in", "redirectUrl": "/"}, {"Set-Cookie": f"grafana_session={token}; Path=/; HttpOnly; SameSite={same_site}"})

    def user(self):
        scheme, _, credentials = (self.headers.get("Authorization") or "").partition(" ")
        if scheme.lower() == "basic":
            try:
                login, _, password = base64.b64decode(credentials).decode().partition(":")
            except ValueError:
                return None
            return self.db.user(login, password)
        for cookie in (self.headers.get("Cookie") or "").split(";"):
            name, _, value = cookie.strip().partition("=")
            if name == "grafana_session" and value in self.grafana.sessions:
                return self.db.execute("SELECT * FROM user WHERE login = ?", (self.grafana.sessions[value],))[0]
        if is_on("AUTH_ANONYMOUS_ENABLED"):
            return {"login": "anonymous", "is_admin": 0, "id": 0, "email": "", "name": ""}
        return None

    def unauthorized(self, path):
        if not path.startswith("/api/"):
            return self.send(302, b"", "text/html", {"Location": f"/login?redirectTo={quote(path, safe='')}"})
        message = "Invalid username or password" if self.headers.get("Authorization") or path == "/api/login" else "Unauthorized"
        return self.answer(401, {"extra": None, "message": message, "messageId": "password-auth.failed", "statusCode": 401, "traceID": ""})

    def authorized(self, method, path, query, user):
        parts = [part for part in path.split("/") if part]
        match (method, parts):
            case ("GET", ["api", "search"]):
                self.search(query)
            case ("GET", ["api", "dashboards", "home"]):
                self.home()
            case ("GET", ["api", "dashboards", "uid", uid]):
                self.get_dashboard(uid)
            case ("DELETE", ["api", "dashboards", "uid", uid]):
                self.delete_dashboard(uid)
            case ("POST", ["api", "dashboards", "db"]):
                self.post_dashboard()
            case ("GET", ["api", "folders"]):
                self.answer(200, [self.folder(board) for board in self.boards.all(True)])
            case ("POST", ["api", "folders"]):
                self.post_folder()
            case ("GET", ["api", "datasources"]):
                self.answer(200, [datasources.shown(row) for row in self.db.execute("SELECT * FROM data_source ORDER BY id")])
            case ("POST", ["api", "datasources"]):
                self.post_datasource()
            case ("GET", ["api", "datasources", "uid", uid]):
                self.with_datasource(uid, lambda row: self.answer(200, datasources.shown(row)))
            case ("GET", ["api", "datasources", "uid", uid, "health"]):
                self.with_datasource(uid, lambda row: self.answer(*datasources.health(self.db, row)))
            case ("GET", ["api", "datasources", "proxy", "uid", uid, *rest]):
                self.with_datasource(uid, lambda row: self.proxy(row, "/" + "/".join(rest)))
            case ("POST", ["api", "ds", "query"]):
                self.query()
            case ("GET", ["api", "annotations"]):
                self.annotations(query)
            case ("POST", ["api", "annotations"]):
                self.post_annotation(user)
            case ("GET", ["api", "users"]):
                self.users()
            case ("GET", ["api", "user"]):
                self.answer(200, {"id": user["id"], "login": user["login"], "email": user["email"], "isGrafanaAdmin": bool(user["is_admin"])})
            case ("PUT", ["api", "user", "password"]):
                self.change_password(user)
            case ("GET", ["api", "org"]):
                self.answer(200, {"id": 1, "name": "Main Org."})
            case ("POST" | "PUT", ["api", "admin", *_]) if not user["is_admin"]:
                self.answer(403, {"message": "Permission denied"})
            case ("POST", ["api", "admin", "provisioning", what, "reload"]):
                self.reload(what)
            case ("POST", ["api", "admin", "users"]):
                self.post_user()
            case ("PUT", ["api", "admin", "users", number, "password"]):
                self.set_password(int(number), self.body().get("password") or "")
            case ("GET", ["d", uid, *_]):
                self.page(uid)
            case ("GET", ["alerting", *_]) if is_on("UNIFIED_ALERTING_ENABLED", True):
                self.send(200, b"<!doctype html><title>Alerting (test double)</title><p>Test double: this is not Grafana.", "text/html")
            case ("GET", []):
                self.send(200, b"<!doctype html><title>Grafana (test double)</title><p>Test double: this is not Grafana.", "text/html")
            case _:
                self.answer(404, {"message": "Not found", "statusCode": 404})

    def search(self, query):
        text = (query.get("query") or [""])[0].lower()
        uids, kind = query.get("dashboardUIDs") or [], (query.get("type") or [""])[0]
        found = [
            board for board in self.boards.all({"dash-db": False, "dash-folder": True}.get(kind))
            if text in board["title"].lower() and (not uids or board["uid"] in uids)
            and (OLD_LAYOUT or WRITTEN.get(board["uid"], 0) < time.time() - SEARCH_LAGS)
        ]
        begin = (int((query.get("page") or ["1"])[0]) - 1) * int((query.get("limit") or ["1000"])[0])
        page_of = found[begin : begin + int((query.get("limit") or ["1000"])[0])]
        self.answer(200, [
            {"id": board["id"], "uid": board["uid"], "title": board["title"], "uri": f"db/{slug(board['title'])}",
             "url": f"/{'dashboards/f' if board['is_folder'] else 'd'}/{board['uid']}/{slug(board['title'])}",
             "type": "dash-folder" if board["is_folder"] else "dash-db", "tags": board["model"].get("tags") or [], "isStarred": False,
             "folderUid": board["folder"]}
            for board in page_of
        ])

    def home(self):
        path = setting("DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH")
        try:
            with open(path or os.path.join(os.path.dirname(os.path.abspath(__file__)), "home.json"), encoding="utf-8") as file:
                return self.answer(200, {"meta": {"isHome": True, "canSave": False}, "dashboard": json.load(file)})
        except (OSError, ValueError) as error:
            log("context", "error", "Failed to load home dashboard", path=path, error=error)
            return self.answer(500, {"message": "Failed to load home dashboard", "statusCode": 500})

    def get_dashboard(self, uid):
        board = self.boards.get(uid)
        if board is None:
            return self.answer(404, {"message": "Dashboard not found", "status": "not-found"})
        origin = board["origin"]
        meta = {"type": "db", "slug": slug(board["title"]), "url": f"/d/{uid}/{slug(board['title'])}", "version": board["version"],
                "created": board["created"], "updated": board["updated"], "folderUid": board["folder"], "provisioned": origin is not None,
                "provisionedExternalId": os.path.basename(origin[1]) if origin else ""}
        return self.answer(200, {"meta": meta, "dashboard": {**board["model"], "id": board["id"], "uid": uid, "version": board["version"]}})

    def delete_dashboard(self, uid):
        board = self.boards.get(uid)
        if board is None:
            return self.answer(404, {"message": "Dashboard not found", "status": "not-found"})
        if board["origin"]:
            return self.answer(400, {"message": "provisioned dashboard cannot be deleted"})
        self.boards.delete(uid)
        return self.answer(200, {"title": board["title"], "message": f"Dashboard {board['title']} deleted", "uid": uid})

    def post_dashboard(self):
        body = self.body()
        model = body.get("dashboard")
        if not isinstance(model, dict) or not model.get("title"):
            return self.answer(400, {"message": "Dashboard title cannot be empty", "status": "empty-name"})
        uid = model.get("uid") or secrets.token_hex(7)
        if problem := provisioning.wrong_uid(uid):
            return self.answer(400, {"message": problem})
        folder = body.get("folderUid") or ""
        if folder and self.boards.get(folder, True) is None:
            return self.answer(400, {"message": "folder not found", "status": "not-found"})
        board = self.boards.get(uid)
        if board and board["origin"]:
            return self.answer(400, {"message": "Cannot save provisioned dashboard"})
        if board and not body.get("overwrite") and model.get("version") != board["version"]:
            return self.answer(412, {"message": "The dashboard has been changed by someone else", "status": "version-mismatch"})
        try:
            board = self.boards.save(uid, model["title"], {**model, "uid": uid}, folder)
        except sqlite3.IntegrityError:
            return self.answer(412, {"message": "A dashboard with the same name in the folder already exists", "status": "name-exists"})
        WRITTEN[uid] = time.time()
        return self.answer(200, {"id": board["id"], "uid": uid, "url": f"/d/{uid}/{slug(board['title'])}", "status": "success", "version": board["version"], "slug": slug(board["title"]), "folderUid": folder})

    def folder(self, board):
        return {"id": board["id"], "uid": board["uid"], "title": board["title"], "parentUid": ""}

    def post_folder(self):
        body = self.body()
        title, uid = body.get("title"), body.get("uid") or secrets.token_hex(7)
        if not title:
            return self.answer(400, {"message": "folder title cannot be empty"})
        if problem := provisioning.wrong_uid(uid):
            return self.answer(400, {"message": problem})
        if any(title == board["title"] or uid == board["uid"] for board in self.boards.all(True)):
            return self.answer(409, {"message": "a folder with the same name already exists in the current location", "statusCode": 409})
        return self.answer(200, self.folder(self.boards.save(uid, title, {}, is_folder=True)))

    def post_datasource(self):
        item = self.body()
        item["uid"] = item.get("uid") or secrets.token_hex(7)
        if not item.get("name") or not item.get("type") or not item.get("access"):
            return self.answer(400, {"message": "bad request data", "statusCode": 400})
        if problem := provisioning.wrong_uid(item["uid"]):
            return self.answer(400, {"message": f"Failed to add datasource: {problem}", "statusCode": 400})
        if self.db.execute("SELECT 1 FROM data_source WHERE name = ? OR uid = ?", (item["name"], item["uid"])):
            return self.answer(409, {"message": "data source with the same name already exists", "statusCode": 409})
        row = datasources.save(self.db, item, read_only=False)
        return self.answer(200, {"id": row["id"], "name": row["name"], "message": "Datasource added", "datasource": datasources.shown(row)})

    def with_datasource(self, uid, action):
        row = datasources.find(self.db, uid)
        if row is None:
            return self.answer(404, {"message": "Data source not found", "messageId": "datasource.notFound", "statusCode": 404})
        return action(row)

    def proxy(self, row, path):
        """GET through the datasource proxy; what the other end refuses comes back with its status."""
        try:
            status, body = prometheus.fetch(datasources.target(self.db, row), path)
        except prometheus.QueryError as error:
            return self.answer(500, {"message": str(error)})
        except OSError as error:
            return self.answer(getattr(error, "code", 502), {"message": str(error)})
        return self.send(status, body, "application/json")

    def query(self):
        body = self.body()
        if not body.get("queries"):
            return self.answer(400, {"message": "No queries found", "messageId": "query.noQueries", "statusCode": 400})
        return self.answer(*prometheus.query_all(self.db, body))

    def annotations(self, query):
        rows = self.db.execute("SELECT * FROM annotation ORDER BY epoch DESC LIMIT ?", (int((query.get("limit") or ["100"])[0]),))
        self.answer(200, [{"id": row["id"], "text": row["text"], "time": row["epoch"], "tags": json.loads(row["tags"] or "[]")} for row in rows])

    def post_annotation(self, user):
        body, now = self.body(), int(time.time() * 1000)
        if not body.get("text"):
            return self.answer(400, {"message": "Failed to save annotation: text field should not be empty"})
        made = self.db.insert(
            "annotation", org_id=1, alert_id=0, user_id=user["id"], dashboard_id=0, panel_id=0, type="", title="", text=body["text"],
            prev_state="", new_state="", data="", epoch=int(body.get("time") or now), epoch_end=int(body.get("timeEnd") or body.get("time") or now),
            tags=json.dumps(body.get("tags") or []), created=now, updated=now,
        )
        return self.answer(200, {"message": "Annotation added", "id": made})

    def users(self):
        rows = self.db.execute("SELECT id, login, email, name, is_admin FROM user WHERE is_service_account = 0 ORDER BY login")
        self.answer(200, [{**dict(row), "isAdmin": bool(row["is_admin"])} for row in rows])

    def post_user(self):
        body = self.body()
        login, email = body.get("login") or body.get("email") or "", body.get("email") or body.get("login") or ""
        if not login:
            return self.answer(400, {"message": "Validation error, need specify either username or email"})
        if len(body.get("password") or "") < 4:
            return self.answer(400, {"message": "Password is missing or too short"})
        if self.db.execute("SELECT 1 FROM user WHERE login = ? OR email = ?", (login, email)):
            return self.answer(412, {"message": f"User with email '{email}' or username '{login}' already exists"})
        made = self.db.add_user(login, email, body.get("name") or "", body["password"])
        return self.answer(200, {"id": made, "uid": f"u{made}", "message": "User created"})

    def change_password(self, user):
        body = self.body()
        if not self.db.is_right(user, body.get("oldPassword") or ""):
            return self.answer(401, {"message": "Invalid old password"})
        return self.set_password(user["id"], body.get("newPassword") or "")

    def set_password(self, user_id, password):
        if len(password) < 4:
            return self.answer(400, {"message": "New password is too short"})
        if not self.db.set_password(user_id, password):
            return self.answer(404, {"message": "user not found"})
        return self.answer(200, {"message": "User password changed"})

    def reload(self, what):
        try:
            if what == "dashboards":
                self.grafana.reload_dashboards()
                return self.answer(200, {"message": "Dashboards config reloaded"})
            if what == "datasources":
                provisioning.datasources(self.db, self.grafana.root)
                return self.answer(200, {"message": "Datasources config reloaded"})
        except provisioning.Refused as error:
            log("provisioning", "error", f"Failed to provision {what}", error=error)
            return self.answer(500, {"message": "Failed to reload " + what + " config"})
        return self.answer(404, {"message": "Not found", "statusCode": 404})

    def page(self, uid):
        board = self.boards.get(uid)
        if board is None:
            return self.send(404, b"<!doctype html><title>Dashboard not found</title>Dashboard not found", "text/html")
        return self.send(200, page.dashboard(self.db, board["model"]).encode(), "text/html; charset=utf-8")

    def body(self):
        """The request's object; anything else is an empty one."""
        try:
            body = json.loads(self.raw)
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}

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
