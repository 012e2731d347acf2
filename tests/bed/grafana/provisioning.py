"""Datasources and dashboards from files, with Grafana's rules on what is refused, and its words."""

import glob
import hashlib
import json
import os
import re

import datasources as sources
from config import log

DATASOURCE_KEYS = {
    "name", "type", "access", "orgId", "uid", "url", "user", "database", "basicAuth", "basicAuthUser",
    "withCredentials", "isDefault", "jsonData", "secureJsonData", "editable", "version", "correlations",
}
PROVIDER_KEYS = {
    "name", "orgId", "folder", "folderUid", "type", "disableDeletion", "updateIntervalSeconds", "allowUiUpdates",
    "options", "editable",
}


class Refused(Exception):
    """A provisioning file that Grafana would not take."""


def wrong_uid(uid):
    """Grafana's words on a uid that it does not take, or None."""
    if len(uid) > 40:
        return "uid too long, max 40 characters"
    if not re.fullmatch(r"[a-zA-Z0-9\-_]*", uid):
        return "uid contains illegal characters"
    return None


def _expand(value):
    """`$NAME` and `${NAME}` from the environment, `$$` for a dollar."""
    if isinstance(value, dict):
        return {key: _expand(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_expand(item) for item in value]
    if not isinstance(value, str):
        return value
    pattern = re.compile(r"\$\$|\$\{(\w+)\}|\$(\w+)")
    return pattern.sub(lambda m: "$" if m.group(0) == "$$" else os.environ.get(m.group(1) or m.group(2), ""), value)


def _documents(root, kind):
    import yaml  # Imported late: only provisioning needs it.

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    folder = os.path.join(root, kind)
    if not os.path.isdir(folder):
        missing(folder, kind)
    for path in sorted(glob.glob(os.path.join(folder, "*.y*ml"))):
        try:
            with open(path, encoding="utf-8") as file:
                document = yaml.load(file, Loader=loader) or {}
        except (OSError, yaml.YAMLError) as error:
            raise Refused(f"failed to parse {path}: {' '.join(str(error).split())}") from error
        if not isinstance(document, dict):
            raise Refused(f"failed to parse {path}: yaml: unmarshal errors: cannot unmarshal into a provisioning file")
        yield path, document


def missing(folder, kind):
    log(f"provisioning.{kind}", "error", f"can't read {kind} provisioning files from directory", path=folder,
        error=f"open {folder}: no such file or directory")


def missing_folders(root):
    """The error lines of folders that Grafana looks into and does not find."""
    for kind in ("plugins", "alerting"):
        if not os.path.isdir(os.path.join(root, kind)):
            missing(os.path.join(root, kind), kind)


def datasources(database, root):
    """Reads every datasource file; any error refuses all of them, as at Grafana's start."""
    wanted, deleted, prune, default = [], [], False, None
    for path, document in _documents(root, "datasources"):
        if document.get("apiVersion") not in (1, "1"):
            raise Refused(f"{path}: apiVersion must be 1")
        prune = prune or bool(document.get("prune"))
        deleted += [item.get("name") for item in document.get("deleteDatasources") or []]
        for item in document.get("datasources") or []:
            if not isinstance(item, dict) or not item.get("name") or not item.get("type"):
                raise Refused(f"{path}: a datasource needs a name and a type")
            unknown = set(item) - DATASOURCE_KEYS
            if unknown:
                raise Refused(f"{path}: unknown keys in datasource {item['name']}: {', '.join(sorted(unknown))}")
            if item.get("access") not in (None, "proxy", "direct"):
                raise Refused(f"{path}: invalid access type {item['access']}")
            if item.get("isDefault"):
                if default:
                    raise Refused("datasource.yaml config is invalid. Only one datasource per organization can be marked as default")
                default = item["name"]
            item = _expand(item)
            item["uid"] = str(item.get("uid") or "P" + hashlib.sha256(item["name"].encode()).hexdigest()[:16].upper())
            if problem := wrong_uid(item["uid"]):
                raise Refused(f"{path}: invalid datasource uid {item['uid']}: {problem}")
            for other in wanted:
                if other["uid"] == item["uid"] or other["name"] == item["name"]:
                    raise Refused(f"{path}: data source with the same uid or name already exists: {item['name']}")
            wanted.append(item)
    with database.transaction():
        for name in deleted:
            database.execute("DELETE FROM data_source WHERE name = ?", (name,))
        if prune:
            database.execute("DELETE FROM data_source WHERE read_only = 1")
        for item in wanted:
            sources.save(database, item, read_only=not item.get("editable", False))


def providers(root):
    found = []
    for path, document in _documents(root, "dashboards"):
        if document.get("apiVersion") not in (1, "1"):
            raise Refused(f"{path}: apiVersion must be 1")
        for item in document.get("providers") or []:
            unknown = set(item) - PROVIDER_KEYS
            if unknown or item.get("type", "file") != "file":
                raise Refused(f"{path}: unsupported provider: {sorted(unknown) or item.get('type')}")
            if not (item.get("options") or {}).get("path"):
                raise Refused(f"{path}: Failed to load dashboards, path param is not a string")
            if problem := wrong_uid(item.get("folderUid") or ""):
                raise Refused(f"{path}: invalid folderUid: {problem}")
            found.append(_expand(item))
    names = [item.get("name") for item in found]
    for name in names:
        if names.count(name) > 1:
            raise Refused(f"provisioned dashboard reader already exists with name {name}")
    return found


def dashboards(database, provider):
    """One walk over a provider's files: saves what is new or changed, deletes what is gone."""
    root, name = provider["options"]["path"], provider.get("name", "default")
    logger = f"provisioning.dashboard type=file name={name}"
    if not os.path.isdir(root):
        return log(logger, "error", "failed to search for dashboards", error=f"stat {root}: no such file or directory")
    boards, folder = database.boards, _folder(database, provider)
    known = {board["origin"][1]: board for board in boards.all(False) if board["origin"] and board["origin"][0] == name}
    uids, titles = {}, {}
    paths = sorted(glob.glob(os.path.join(root, "**", "*.json"), recursive=True))
    # What stood in the database stays while its file is there, also when the file is broken now.
    for path, board in known.items():
        if path not in paths:
            (boards.unprovision if provider.get("disableDeletion") else boards.delete)(board["uid"])
    for path in paths:
        try:
            with open(path, "rb") as file:
                raw = file.read()
            model = json.loads(raw)
        except (OSError, ValueError) as error:
            log(logger, "error", "failed to load dashboard from ", file=path, error=error)
            continue
        try:
            _save(database, (name, path, hashlib.md5(raw).hexdigest()), model, folder, (uids, titles), known.get(path))
        except _Duplicate as twin:
            log(logger, "warn", str(twin), orgId=1, **twin.fields, times=2, providers=f"[{name}]")
            log(logger, "warn", "dashboards provisioning provider has no database write permissions because of duplicates", provider=name, orgId=1)
            log(logger, "warn", "Not saving new dashboard due to restricted database access", provisioner=name, file=path)
        except ValueError as error:
            log(logger, "error", "failed to save dashboard", file=path, error=error)


class _Duplicate(Exception):
    def __init__(self, message, **fields):
        super().__init__(message)
        self.fields = fields


def _save(database, origin, model, folder, seen, before):
    """Saves one file's dashboard, unless it stands there as it is. ValueError with Grafana's words."""
    # A model without a title, and what is no object at all, look the same to Grafana.
    title = model.get("title") if isinstance(model, dict) else None
    if not isinstance(title, str) or not title.strip():
        raise ValueError("Dashboard title cannot be empty")
    if "spec" in model and "apiVersion" in model or isinstance(model.get("elements"), dict):
        raise ValueError("dashboard schema v2 is not supported by file provisioning")
    uid = str(model.get("uid") or hashlib.sha256(origin[1].encode()).hexdigest()[:14])
    if problem := wrong_uid(uid):
        raise ValueError(problem)
    uids, titles = seen
    if uid in uids:
        raise _Duplicate("the same UID is used more than once", uid=uid)
    if title in titles:
        raise _Duplicate("dashboard title is not unique in folder", title=title, folderUID=folder)
    uids[uid] = titles[title] = origin[1]
    boards = database.boards
    old = boards.get(uid)
    if old and old["origin"] == origin and old["folder"] == folder:
        return
    if old and not old["origin"]:
        # Taken over from what was made by hand, as Grafana does.
        log("dashboard-service", "debug", "provisioning takes over a dashboard", uid=uid)
    # A file whose uid changed is the same dashboard under another uid.
    if before and before["uid"] != uid:
        boards.delete(before["uid"])
    boards.save(uid, title, {**model, "uid": uid}, folder, origin=origin)


def _folder(database, provider):
    """The uid of the provider's folder, made when it is not there; without folderUid, a random one."""
    title = provider.get("folder")
    if not title:
        return ""
    wanted = provider.get("folderUid")
    for board in database.boards.all(True):
        if board["uid"] == wanted or not wanted and board["title"] == title:
            return board["uid"]
    uid = wanted or os.urandom(7).hex()
    database.boards.save(uid, title, {}, is_folder=True)
    return uid
