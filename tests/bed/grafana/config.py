"""Settings from GF_<SECTION>_<KEY>, with Grafana's own expansion, and its log lines."""

import json
import os
import re
import time

SWITCHES = {name[15:]: value for name, value in os.environ.items() if name.startswith("GRAFANA_DOUBLE_")}
VERSION = SWITCHES.get("VERSION", "13.2.0") + "-double"
COMMIT = "0000000000"
# What Grafana encrypts with when nobody says otherwise: known to everybody.
DEFAULT_SECRET_KEY = "SW2YcwTIb9zpOOhoPsMm"
MODE = SWITCHES.get("MODE", "")
OLD_LAYOUT = SWITCHES.get("LAYOUT", "new") == "old"


def setting(name, default=""):
    """One setting, with `$__file{path}` and `$__env{NAME}` expanded; a missing file ends the start, as in Grafana."""
    value = os.environ.get("GF_" + name, default)

    def expand(match):
        if match.group(1) == "env":
            return os.environ.get(match.group(2), "")
        with open(match.group(2), encoding="utf-8") as file:
            return file.read().strip()

    return re.sub(r"\$__(file|env)\{([^}]*)\}", expand, value)


def is_on(name, default=False):
    return setting(name, str(default)).lower() in ("true", "1", "yes", "on")


def log(logger, level, message, **fields):
    """One line in Grafana's logfmt: a value with a blank, a quote or an equals sign is quoted."""
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e9):09d}Z"
    parts = [f"logger={logger} t={stamp} level={level} msg={json.dumps(message)}"]
    for name, value in fields.items():
        text = str(value)
        quoted = not text or any(c in ' "=\n' or ord(c) < 32 for c in text)
        parts.append(f"{name}={json.dumps(text, ensure_ascii=False) if quoted else text}")
    print(" ".join(parts), flush=True)
