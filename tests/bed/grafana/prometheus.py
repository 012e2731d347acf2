"""Asks a datasource's Prometheus, and shapes its answer as Grafana's data frames."""

import base64
import json
import time
import urllib.error
import urllib.parse
import urllib.request


class QueryError(Exception):
    """What the datasource said instead of data."""


def fetch(target, path):
    """GET on a datasource: (status, body)."""
    request = urllib.request.Request(target["url"] + path)
    if target["credentials"]:
        token = base64.b64encode(":".join(target["credentials"]).encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.status, response.read()


def ask(target, path, parameters):
    """GET on the datasource's Prometheus; the `data` of its answer. `target` is a URL with credentials or None."""
    try:
        return json.loads(fetch(target, f"{path}?{urllib.parse.urlencode(parameters)}")[1])["data"]
    except urllib.error.HTTPError as error:
        try:
            raise QueryError(json.load(error)["error"]) from error
        except (ValueError, KeyError):
            raise QueryError(f"{error.code} {error.reason}") from error
    except (OSError, ValueError, KeyError) as error:
        raise QueryError(str(error)) from error


def moment(text, now):
    """`now-1h`, or milliseconds since the epoch; seconds come back."""
    text = str(text)
    if text.startswith("now"):
        rest = text[3:]
        if not rest:
            return now
        units = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
        return now - int(rest[1:-1]) * units[rest[-1]]
    return int(text) / 1000


def frames(target, query, begin, end):
    """The frames of one query of /api/ds/query."""
    expression = query.get("expr", "")
    interval = max(int(query.get("intervalMs") or 15000) // 1000, 15)
    window = f"{max(interval * 4, 60)}s"
    for name, value in (("$__rate_interval", window), ("$__interval", f"{interval}s"), ("$__range", f"{int(end - begin)}s")):
        expression = expression.replace(name, value).replace("${" + name[1:] + "}", value)
    if query.get("instant") and not query.get("range"):
        data = ask(target, "/api/v1/query", {"query": expression, "time": end})
        series = [(item["metric"], [item["value"]]) for item in data["result"]] if data["resultType"] == "vector" else [({}, [data["result"]])]
    else:
        step = max(interval, int((end - begin) / 1000), 1)
        data = ask(target, "/api/v1/query_range", {"query": expression, "start": begin, "end": end, "step": step})
        series = [(item["metric"], item["values"]) for item in data["result"]]
    return [_frame(query.get("refId", "A"), labels, values) for labels, values in series]


def _frame(ref_id, labels, values):
    numbers = [float(value) for _, value in values]
    finite = [number if number == number and abs(number) != float("inf") else None for number in numbers]
    return {
        "schema": {
            "refId": ref_id,
            "meta": {"type": "timeseries-multi", "typeVersion": [0, 1]},
            "fields": [
                {"name": "Time", "type": "time", "typeInfo": {"frame": "time.Time"}},
                {"name": labels.get("__name__", "Value"), "type": "number", "typeInfo": {"frame": "float64"}, "labels": labels},
            ],
        },
        "data": {"values": [[int(float(at) * 1000) for at, _ in values], finite]},
    }


def query_all(database, body):
    """POST /api/ds/query: (status, answer). A failing query has its own status, as Grafana answers."""
    import datasources  # It asks this module in turn.

    now = time.time()
    begin, end = moment(body.get("from", "now-1h"), now), moment(body.get("to", "now"), now)
    results = {}
    for query in body.get("queries") or []:
        ref_id = query.get("refId", "A")
        uid = (query.get("datasource") or {}).get("uid") if isinstance(query.get("datasource"), dict) else None
        rows = database.execute("SELECT * FROM data_source WHERE uid = ?", (uid,))
        if not rows:
            return 404, {"message": "Data source not found", "messageId": "datasource.notFound", "statusCode": 404}
        try:
            results[ref_id] = {"status": 200, "frames": frames(datasources.target(database, rows[0]), query, begin, end)}
        except QueryError as error:
            results[ref_id] = {"status": 400, "error": str(error), "errorSource": "downstream", "frames": []}
    failed = any(result["status"] != 200 for result in results.values())
    return (400 if failed else 200), {"results": results}
