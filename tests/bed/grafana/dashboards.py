"""Dashboards and folders, in the two places where Grafana has kept them.

`Dashboards` is the layout before version 12 (`dashboard`, `dashboard_version`), `Resources` that of version 13
(`resource`, `resource_history`). Both give and take the same: a board is a dict with uid, title, model, folder,
version, created, updated, is_folder and origin (provider, path, checksum) when it is provisioned.
"""

import json
import time
import uuid

from config import log

GROUPS = {False: ("dashboard.grafana.app", "dashboards", "Dashboard"), True: ("folder.grafana.app", "folders", "Folder")}


def now():
    return time.strftime("%Y-%m-%d %H:%M:%S")


def slug(title):
    return "".join(c if c.isalnum() else "-" for c in title.lower()).strip("-")


class Dashboards:
    """The tables before version 12."""

    def __init__(self, database):
        self.db = database

    def all(self, is_folder=None):
        rows = self.db.execute(
            "SELECT d.*, f.uid AS folder_uid, p.name AS provider, p.external_id AS path, p.check_sum AS checksum FROM dashboard d"
            " LEFT JOIN dashboard f ON f.id = d.folder_id AND d.folder_id > 0"
            " LEFT JOIN dashboard_provisioning p ON p.dashboard_id = d.id ORDER BY d.title"
        )
        return [self.board(row) for row in rows if is_folder is None or bool(row["is_folder"]) == is_folder]

    def board(self, row):
        origin = (row["provider"], row["path"], row["checksum"]) if row["provider"] else None
        return {"id": row["id"], "uid": row["uid"], "title": row["title"], "model": json.loads(row["data"]), "version": row["version"],
                "folder": row["folder_uid"] or "", "created": row["created"], "updated": row["updated"], "is_folder": bool(row["is_folder"]),
                "origin": origin}

    def get(self, uid, is_folder=False):
        return next((board for board in self.all(is_folder) if board["uid"] == uid), None)

    def save(self, uid, title, model, folder="", is_folder=False, origin=None):
        with self.db.transaction():
            folder_id = self.db.execute("SELECT id FROM dashboard WHERE uid = ? AND is_folder = 1", (folder,)) if folder else []
            folder_id = folder_id[0]["id"] if folder_id else 0
            old = self.db.execute("SELECT id, version FROM dashboard WHERE uid = ?", (uid,))
            version = old[0]["version"] + 1 if old else 1
            text = json.dumps({**model, "uid": uid, "title": title, "version": version})
            if old:
                board_id = old[0]["id"]
                self.db.execute(
                    "UPDATE dashboard SET version = ?, slug = ?, title = ?, data = ?, updated = ?, folder_id = ? WHERE id = ?",
                    (version, slug(title), title, text, now(), folder_id, board_id),
                )
            else:
                board_id = self.db.insert(
                    "dashboard", version=version, slug=slug(title), title=title, data=text, org_id=1, created=now(), updated=now(),
                    folder_id=folder_id, is_folder=int(is_folder), uid=uid,
                )
            if not is_folder:
                self.db.insert(
                    "dashboard_version", dashboard_id=board_id, parent_version=version - 1, restored_from=0, version=version,
                    created=now(), created_by=1, message="", data=text,
                )
            if origin:
                self.db.execute("DELETE FROM dashboard_provisioning WHERE dashboard_id = ?", (board_id,))
                self.db.insert("dashboard_provisioning", dashboard_id=board_id, name=origin[0], external_id=origin[1], updated=int(time.time()), check_sum=origin[2])
        return self.get(uid, is_folder)

    def unprovision(self, uid):
        self.db.execute("DELETE FROM dashboard_provisioning WHERE dashboard_id = (SELECT id FROM dashboard WHERE uid = ?)", (uid,))

    def delete(self, uid):
        with self.db.transaction():
            self.unprovision(uid)
            self.db.execute("DELETE FROM dashboard_version WHERE dashboard_id = (SELECT id FROM dashboard WHERE uid = ?)", (uid,))
            self.db.execute("DELETE FROM dashboard WHERE uid = ?", (uid,))


class Resources:
    """The tables of version 13. Each row is an object in the manner of Kubernetes."""

    def __init__(self, database):
        self.db = database

    def all(self, is_folder=None):
        boards = [self.board(row) for row in self.db.execute("SELECT value, resource_version, rowid AS id FROM resource WHERE \"group\" IN ('dashboard.grafana.app', 'folder.grafana.app')")]
        wanted = [board for board in boards if is_folder is None or board["is_folder"] == is_folder]
        return sorted(wanted, key=lambda board: board["title"])

    def board(self, row):
        value = json.loads(row["value"])
        meta = value["metadata"]
        notes = meta.get("annotations") or {}
        origin = None
        if notes.get("grafana.app/managedBy") == "classic-file-provisioning":
            origin = (notes["grafana.app/managerId"], notes["grafana.app/sourcePath"], notes["grafana.app/sourceChecksum"])
        return {"id": row["id"], "uid": meta["name"], "title": value["spec"]["title"], "model": value["spec"], "version": meta["generation"],
                "folder": notes.get("grafana.app/folder", ""), "created": meta["creationTimestamp"], "is_folder": value["kind"] == "Folder",
                "updated": notes.get("grafana.app/updatedTimestamp", meta["creationTimestamp"]), "origin": origin}

    def get(self, uid, is_folder=False):
        rows = self.db.execute(
            'SELECT value, resource_version, rowid AS id FROM resource WHERE "group" = ? AND name = ?', (GROUPS[is_folder][0], uid)
        )
        return self.board(rows[0]) if rows else None

    def save(self, uid, title, model, folder="", is_folder=False, origin=None):
        old = self.get(uid, is_folder)
        group, resource, kind = GROUPS[is_folder]
        generation = old["version"] + 1 if old else 1
        notes = {"grafana.app/folder": folder, "grafana.app/updatedTimestamp": now()}
        if origin:
            notes |= {"grafana.app/managedBy": "classic-file-provisioning", "grafana.app/managerId": origin[0],
                      "grafana.app/sourcePath": origin[1], "grafana.app/sourceChecksum": origin[2]}
        value = {
            "kind": kind, "apiVersion": f"{group}/v1", "spec": {**model, "title": title} | ({} if is_folder else {"uid": uid, "version": generation}),
            "metadata": {"name": uid, "namespace": "default", "uid": str(uuid.uuid4()), "generation": generation,
                         "creationTimestamp": old["created"] if old else now(), "annotations": notes},
        }
        with self.db.transaction():
            self.write(group, resource, uid, folder, value, 2 if old else 1)
        return self.get(uid, is_folder)

    def write(self, group, resource, uid, folder, value, action):
        version = int(time.time() * 1_000_000)
        self.db.execute('INSERT INTO resource_version ("group", resource, resource_version) VALUES (?, ?, ?)'
                        ' ON CONFLICT ("group", resource) DO UPDATE SET resource_version = max(resource_version + 1, excluded.resource_version)',
                        (group, resource, version))
        version = self.db.execute('SELECT resource_version FROM resource_version WHERE "group" = ? AND resource = ?', (group, resource))[0][0]
        columns = {"guid": str(uuid.uuid4()), "resource_version": version, "group": group, "resource": resource, "namespace": "default",
                   "name": uid, "value": json.dumps(value), "action": action, "folder": folder}
        old = self.db.execute('SELECT resource_version FROM resource WHERE "group" = ? AND name = ?', (group, uid))
        columns["previous_resource_version"] = old[0][0] if old else 0
        self.db.insert("resource_history", **columns, generation=value["metadata"]["generation"])
        # The row keeps its place, and its number with it.
        self.db.execute("UPDATE resource SET guid = ?, resource_version = ?, value = ?, action = ?, folder = ? WHERE \"group\" = ? AND name = ?",
                        (columns["guid"], version, columns["value"], action, folder, group, uid))
        if action == 1:
            self.db.insert("resource", **columns)

    def unprovision(self, uid):
        board = self.get(uid)
        self.save(uid, board["title"], board["model"], board["folder"])

    def delete(self, uid):
        with self.db.transaction():
            for is_folder in (False, True):
                group, resource, _ = GROUPS[is_folder]
                rows = self.db.execute('SELECT value FROM resource WHERE "group" = ? AND name = ?', (group, uid))
                if rows:
                    self.write(group, resource, uid, "", json.loads(rows[0]["value"]), 3)
                    self.db.execute('DELETE FROM resource WHERE "group" = ? AND name = ?', (group, uid))


def migrate(database):
    """Copies folders and dashboards into `resource` once, and records it; the old tables stay, without authority."""
    if database.execute("SELECT 1 FROM unifiedstorage_migration_log WHERE success = 1 LIMIT 1"):
        return
    old, new = Dashboards(database), Resources(database)
    boards = old.all()
    with database.transaction():
        for board in sorted(boards, key=lambda board: not board["is_folder"]):
            model = {key: value for key, value in board["model"].items() if key not in ("id", "version")}
            new.save(board["uid"], board["title"], model, board["folder"], board["is_folder"], board["origin"])
        database.record("unifiedstorage_migration_log", "folders and dashboards migration")
    if boards:
        log("migrator", "info", "migrated folders and dashboards to unified storage", count=len(boards))
