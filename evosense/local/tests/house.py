"""A house with stand-in rooms, run by the real supervisor: `python -m evosense.local.tests.house`.

The stand-ins behave badly on purpose: the worker has a child of its own that ignores SIGTERM.
"""

import os
import sys

from evosense.local import cli, supervisor

WEB = """
import http.server, os, sys
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Page).serve_forever()
"""
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
WORKER = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {STUBBORN!r}])
print("worker up", flush=True)
time.sleep(600)
"""
SETUP = """
import os, psycopg
with psycopg.connect(os.environ["DATABASE_URL"]) as link:
    link.execute("create table if not exists starts (at timestamptz default now())")
    link.execute("insert into starts default values")
    print("starts:", link.execute("select count(*) from starts").fetchone()[0], flush=True)
"""
BROKEN_DEMO = "print('no', flush=True); raise SystemExit(4)"
DEMO = 'print(\'{"slug": "loja", "email": "dona@loja.example", "password": "segredo"}\')'


def commands(port, home, *, demo):
    plan = {"web": [sys.executable, "-c", WEB], "worker": [sys.executable, "-c", WORKER]}
    if os.environ.get("HOUSE_CRASHER"):
        plan["crasher"] = [sys.executable, "-c", "print('crash', flush=True); raise SystemExit(3)"]
    return plan | ({"simulator": [sys.executable, "-c", WORKER]} if demo else {})


def manage(*arguments):
    demo = BROKEN_DEMO if os.environ.get("HOUSE_BROKEN_DEMO") else DEMO
    scripts = {"setup": SETUP, "seed_demo": demo, "seed_laboratory": "print('{}')"}
    return [sys.executable, "-c", scripts[arguments[0]]]


if __name__ == "__main__":
    supervisor.commands = commands
    supervisor.manage = cli.manage = manage
    sys.exit(cli.main(sys.argv[1:] or ["run"]))
