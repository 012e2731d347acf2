"""Datasources: rows of `data_source`, their passwords sealed, and how they are shown."""

import json
import time

import prometheus


def save(database, item, read_only):
    """Inserts or replaces one by uid or name; gives the row. Keys are those of the API and of provisioning files."""
    now = time.strftime("%Y-%m-%d %H:%M:%S")
    with database.transaction():
        database.execute("DELETE FROM data_source WHERE uid = ? OR name = ?", (item["uid"], item["name"]))
        database.insert(
            "data_source", org_id=1, version=1, type=item["type"], name=item["name"], access=item.get("access") or "proxy",
            url=item.get("url") or "", user=item.get("user") or "", database=item.get("database") or "",
            basic_auth=int(bool(item.get("basicAuth"))), basic_auth_user=item.get("basicAuthUser") or "",
            is_default=int(bool(item.get("isDefault"))), json_data=json.dumps(item.get("jsonData") or {}), created=now, updated=now,
            secure_json_data=database.seal(item.get("secureJsonData")), read_only=int(read_only), uid=item["uid"],
        )
    return find(database, item["uid"])


def find(database, uid):
    rows = database.execute("SELECT * FROM data_source WHERE uid = ?", (uid,))
    return rows[0] if rows else None


def shown(row):
    return {"id": row["id"], "uid": row["uid"], "orgId": 1, "name": row["name"], "type": row["type"], "access": row["access"], "url": row["url"],
            "basicAuth": bool(row["basic_auth"]), "basicAuthUser": row["basic_auth_user"] or "", "isDefault": bool(row["is_default"]),
            "jsonData": json.loads(row["json_data"] or "{}"), "secureJsonFields": {name: True for name in json.loads(row["secure_json_data"] or "{}")},
            "readOnly": bool(row["read_only"])}


def target(database, row):
    """What a query needs: url and credentials. QueryError when the password cannot be read."""
    credentials = None
    if row["basic_auth"]:
        try:
            password = database.unseal(row["secure_json_data"]).get("basicAuthPassword", "")
        except ValueError as error:
            raise prometheus.QueryError(str(error)) from error
        credentials = (row["basic_auth_user"] or "", password)
    return {"url": row["url"], "credentials": credentials}


def health(database, row):
    """(status, answer) of the health check."""
    try:
        # A password of any kind must be readable, whoever asks for it.
        database.unseal(row["secure_json_data"])
    except ValueError as error:
        return 500, {"message": str(error), "statusCode": 500}
    try:
        where = target(database, row)
        if row["type"] == "prometheus":
            prometheus.ask(where, "/api/v1/query", {"query": "1+1"})
            return 200, {"status": "OK", "message": "Successfully queried the Prometheus API."}
        if row["type"] == "alertmanager":
            # Grafana's Alertmanager datasource has no backend part that could be asked for its health.
            return 404, {"message": "Plugin health check failed: method not implemented", "messageId": "plugin.notImplemented", "statusCode": 404}
    except prometheus.QueryError as error:
        return 400, {"status": "ERROR", "message": str(error)}
    return 404, {"message": "plugin unavailable", "messageId": "plugin.unavailable", "statusCode": 404}
