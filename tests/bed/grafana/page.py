"""The page of a dashboard: no browser application, but real titles and real values."""

import html
import time

import datasources
import prometheus

STYLE = """body{font:14px sans-serif;background:#111217;color:#ccccdc;margin:1.5em}h1{font-size:1.3em}
.note{background:#3d2f00;padding:.4em .8em;border-radius:4px}.grid{display:grid;grid-template-columns:repeat(3,1fr);gap:.8em}
.panel{background:#181b1f;border:1px solid #2c3235;border-radius:4px;padding:.8em}.row{grid-column:1/-1;margin-top:.6em;font-weight:bold}
.value{color:#73bf69;font-size:1.2em;white-space:pre-wrap;overflow-wrap:anywhere}.none{color:#f2495c}pre{white-space:pre-wrap}"""


# Grafana's own form posts JSON to /login as well.
LOGIN = f"""<!doctype html><meta charset=utf-8><title>Grafana (test double)</title><style>{STYLE}</style>
<p class=note>Test double: this is not Grafana.</p><form><input name=user placeholder=user autofocus>
<input name=password type=password placeholder=password> <button>Log in</button> <span class=none></span></form><script>
const form = document.querySelector("form");
form.addEventListener("submit", async event => {{
  event.preventDefault();
  const body = JSON.stringify({{user: form.user.value, password: form.password.value}});
  const answer = await fetch("/login", {{method: "POST", headers: {{"Content-Type": "application/json"}}, body}});
  if (answer.ok) location = new URLSearchParams(location.search).get("redirectTo") || "/";
  else form.querySelector("span").textContent = (await answer.json()).message;
}});
</script>"""


def dashboard(database, model):
    """HTML of one dashboard."""
    variables = _variables(database, model)
    panels = "".join(_panel(database, panel, variables) for panel in _panels(model.get("panels") or []))
    title = html.escape(model["title"])
    return (
        f"<!doctype html><meta charset=utf-8><title>{title}</title><style>{STYLE}</style>"
        f"<p class=note>Test double: this is not Grafana.</p><h1>{title}</h1><div class=grid>{panels}</div>"
    )


def _panels(panels):
    for panel in panels:
        yield panel
        yield from panel.get("panels") or []


def _variables(database, model):
    rows = database.execute("SELECT uid FROM data_source WHERE type = 'prometheus' ORDER BY is_default DESC")
    values = {}
    for variable in (model.get("templating") or {}).get("list") or []:
        if variable.get("type") == "datasource":
            values[variable["name"]] = rows[0]["uid"] if rows else ""
        elif variable.get("type") in ("custom", "constant", "interval"):
            values[variable["name"]] = (variable.get("current") or {}).get("value", "")
        else:
            values[variable["name"]] = ".*"
    return values


def _expand(text, variables):
    for name, value in variables.items():
        for form in (f"${{{name}}}", f"${{{name}:regex}}", f"${name}"):
            text = text.replace(form, str(value))
    return text


def _panel(database, panel, variables):
    title = html.escape(panel.get("title") or "")
    if panel.get("type") == "row":
        return f"<div class=row>{title}</div>"
    if panel.get("type") == "text":
        content = html.escape((panel.get("options") or {}).get("content", ""))
        return f"<div class=panel style='grid-column:1/-1'><b>{title}</b><pre>{content}</pre></div>"
    values = [_value(database, panel, target, variables) for target in panel.get("targets") or []]
    return f"<div class=panel data-panel='{panel.get('id')}'><b>{title}</b><div class=value>{''.join(values)}</div></div>"


def _value(database, panel, target, variables):
    source = target.get("datasource") or panel.get("datasource") or {}
    uid = _expand(source.get("uid", "") if isinstance(source, dict) else "", variables)
    rows = database.execute("SELECT * FROM data_source WHERE uid = ?", (uid,))
    if not rows:
        return f"<span class=none>datasource {html.escape(uid)} not found</span>"
    now = time.time()
    query = {**target, "expr": _expand(target.get("expr", ""), variables), "instant": True, "range": False}
    try:
        found = prometheus.frames(datasources.target(database, rows[0]), query, now - 3600, now)
    except prometheus.QueryError as error:
        return f"<span class=none>{html.escape(str(error))}</span>"
    if not found:
        return "<span class=none>No data</span>"
    shown = [str(frame["data"]["values"][1][-1]) for frame in found[:6]]
    return html.escape("  ".join(shown)) + "\n"
