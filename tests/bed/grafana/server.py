"""A test double of Grafana: see README.md in this folder."""

import sys

# The interpreter starts with -S for speed; the distribution's packages (PyYAML) are added by hand.
sys.path[:0] = ["/usr/share/grafana"]
sys.path += [path for path in ("/usr/lib/python3/dist-packages",) if path not in sys.path]

import os
import signal
import threading
import time
from http.server import ThreadingHTTPServer

import provisioning
from api import Handler
from config import MODE, OLD_LAYOUT, SWITCHES, VERSION, log, setting
from database import Damaged, open_database

# Dashboards come after /api/health answers; measured on a real Grafana: about a second.
PROVISION_AFTER_MS = 1000


class Grafana:
    """The state behind the HTTP handlers."""

    def __init__(self):
        self.root = setting("PATHS_PROVISIONING", "/etc/grafana/provisioning")
        self.database = open_database()
        self.sessions = {}
        self.requests = 0
        self.started = time.time()
        self.walking = threading.Lock()
        login = setting("SECURITY_ADMIN_USER", "admin")
        if self.database.first_start(login, setting("SECURITY_ADMIN_PASSWORD", "admin")):
            log("sqlstore", "info", "Created default admin", user=login)

    def provision(self):
        """In the background, as Grafana does; then again and again, as each provider says."""
        time.sleep(int(SWITCHES.get("PROVISION_AFTER_MS", PROVISION_AFTER_MS)) / 1000)
        log("provisioning.dashboard", "info", "starting to provision dashboards")
        for provider in self.reload_dashboards():
            seconds = max(int(provider.get("updateIntervalSeconds", 10)), 1)
            threading.Thread(target=self.rescan, args=(provider, seconds), daemon=True).start()
        log("provisioning.dashboard", "info", "finished to provision dashboards")

    def reload_dashboards(self):
        found = provisioning.providers(self.root)
        for provider in found:
            self.walk(provider)
        return found

    def walk(self, provider):
        with self.walking:
            provisioning.dashboards(self.database, provider)

    def rescan(self, provider, seconds):
        while True:
            time.sleep(seconds)
            self.walk(provider)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def fail(message, error):
    log("server", "error", message, error=error)
    print(f"Error: ✗ {message}: {error}", file=sys.stderr, flush=True)
    sys.exit(1)


def start():
    if MODE == "exit":
        fail("failed to start", "told to exit at once")
    try:
        grafana = Grafana()
        provisioning.missing_folders(grafana.root)
        provisioning.datasources(grafana.database, grafana.root)
        provisioning.providers(grafana.root)
    except Damaged as error:
        fail("failed to open or migrate the database", error)
    except provisioning.Refused as error:
        fail("Datasource provisioning error", error)
    except OSError as error:
        fail("failed to read the settings", error)
    return grafana


def main():
    time.sleep(int(SWITCHES.get("SLOW_START_MS", 0)) / 1000)
    log("settings", "info", "Starting Grafana", version=VERSION, layout="old" if OLD_LAYOUT else "new", note="test double, not Grafana")
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    if MODE == "silent":
        signal.pause()
    grafana = start()
    Handler.grafana = grafana
    server = Server(("0.0.0.0", int(setting("SERVER_HTTP_PORT", "3000"))), Handler)
    if "CRASH_AFTER_MS" in SWITCHES:
        threading.Timer(int(SWITCHES["CRASH_AFTER_MS"]) / 1000, lambda: (log("server", "error", "told to crash"), os._exit(3))).start()
    log("http.server", "info", "HTTP Server Listen", address=f"0.0.0.0:{server.server_port}", note="test double, not Grafana")
    threading.Thread(target=grafana.provision, daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
