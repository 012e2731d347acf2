"""Datasources and dashboards from files, with Grafana's rules on what is refused."""

import glob
import hashlib
import json
import os
import re

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
    paths = sorted(glob.glob(os.path.join(root, kind, "*.y*ml")))
    for path in paths:
        try:
            with open(path, encoding="utf-8") as file:
                yield path, yaml.load(file, Loader=loader) or {}
        except (OSError, yaml.YAMLError) as error:
            raise Refused(f"failed to parse {path}: {' '.join(str(error).split())}") from error


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
            wanted.append(_expand(item))
    with database.lock:
        for name in deleted:
            database.execute("DELETE FROM data_source WHERE name = ?", (name,))
        if prune:
            database.execute("DELETE FROM data_source WHERE read_only = 1")
        for item in wanted:
            _save_datasource(database, item)


def _save_datasource(database, item):
    uid = item.get("uid") or "P" + hashlib.sha256(item["name"].encode()).hexdigest()[:16].upper()
    json_data = {**(item.get("jsonData") or {})}
    if item.get("basicAuth"):
        json_data |= {"basicAuth": True, "basicAuthUser": item.get("basicAuthUser", "")}
    database.execute("DELETE FROM data_source WHERE uid = ? OR name = ?", (uid, item["name"]))
    database.execute(
        "INSERT INTO data_source (org_id, type, name, access, url, is_default, json_data, secure_json_data, uid, read_only)"
        " VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            item["type"], item["name"], item.get("access", "proxy"), item.get("url", ""),
            int(bool(item.get("isDefault"))), json.dumps(json_data), json.dumps(item.get("secureJsonData") or {}),
            uid, int(not item.get("editable", False)),
        ),
    )


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
            found.append(_expand(item))
    return found


def dashboards(database, provider, log):
    """One walk over a provider's files: saves what is new or changed, deletes what is gone."""
    root, name = provider["options"]["path"], provider.get("name", "default")
    seen, uids = set(), {}
    for path in sorted(glob.glob(os.path.join(root, "**", "*.json"), recursive=True)):
        try:
            with open(path, "rb") as file:
                raw = file.read()
            model = json.loads(raw)
            if not isinstance(model, dict) or not model.get("title"):
                raise ValueError("Dashboard title cannot be empty")
        except (OSError, ValueError) as error:
            log("error", "failed to load dashboard from", file=path, error=str(error))
            # What stood in the database stays, as Grafana keeps it.
            seen.add(path)
            continue
        seen.add(path)
        model.setdefault("uid", hashlib.sha256(path.encode()).hexdigest()[:14])
        if model["uid"] in uids:
            log("warn", "the same UID is used more than once", uid=model["uid"], file=path, other=uids[model["uid"]])
            continue
        uids[model["uid"]] = path
        checksum = hashlib.md5(raw).hexdigest()
        old = database.execute(
            "SELECT p.check_sum FROM dashboard d JOIN dashboard_provisioning p ON p.dashboard_id = d.id WHERE d.uid = ?",
            (model["uid"],),
        )
        if not old or old[0]["check_sum"] != checksum:
            database.save_dashboard(model, (name, path, checksum))
    gone = [r for r in database.execute("SELECT * FROM dashboard_provisioning WHERE name = ?", (name,)) if r["external_id"] not in seen]
    for row in gone:
        if provider.get("disableDeletion"):
            database.execute("DELETE FROM dashboard_provisioning WHERE id = ?", (row["id"],))
        else:
            database.delete_dashboard(row["dashboard_id"])
