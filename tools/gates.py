"""Every gate of `make check`: all of them run, each one's name is printed, any failure counts.

.venv/bin/python tools/gates.py [NAME…]
"""

from __future__ import annotations

import base64
import os
import secrets
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
# See tools/environment.py.
TOOLS = PROJECT / ".venv" / "tools" / "bin"
AT_ONCE = 2
sys.path.insert(0, str(PROJECT))

from evosense.local.home import Home  # noqa: E402  the project is not an installed package
from evosense.local.stack import services  # noqa: E402


@dataclass(frozen=True)
class Gate:
    name: str
    command: tuple[str, ...]
    settings: str = "evosense.settings.test"


def manage(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "manage.py", *arguments)


def template_folders() -> list[str]:
    found = {path.relative_to(PROJECT) for path in PROJECT.glob("*/templates")}
    if (PROJECT / "templates").exists():
        found.add(Path("templates"))
    return sorted(str(path) for path in found)


def semgrep() -> tuple[str, ...]:
    """Return the scan with our own rules; it asks nothing of any server."""
    rules = str(PROJECT / "tools" / "semgrep" / "rules")
    quiet = ("--metrics=off", "--disable-version-check", "--quiet", "--error", "--jobs", "1")
    return (str(TOOLS / "semgrep"), "scan", *quiet, "--config", rules, ".")


def bandit() -> tuple[str, ...]:
    rooms = sorted(path.parent.name for path in PROJECT.glob("*/__init__.py"))
    options = ("--quiet", "--severity-level", "medium", "--configfile", "pyproject.toml")
    return (str(BIN / "bandit"), *options, "--recursive", *rooms, "manage.py")


def gates() -> list[Gate]:
    """Return the gates, slowest first so that they overlap well."""
    tool = {name: str(BIN / name) for name in ("ruff", "mypy", "lint-imports", "djlint")}
    return [
        Gate("types", (tool["mypy"], ".")),
        Gate("semgrep", semgrep()),
        Gate("bandit", bandit()),
        Gate("format", (tool["ruff"], "format", "--check", ".")),
        Gate("lint", (tool["ruff"], "check", ".")),
        Gate("imports", (tool["lint-imports"],)),
        Gate("templates", (tool["djlint"], *template_folders(), "--lint", "--quiet")),
        Gate("migrations", manage("makemigrations", "--check", "--dry-run")),
        Gate(
            "deploy",
            manage("check", "--deploy", "--fail-level", "WARNING"),
            settings="evosense.settings.base",
        ),
        Gate("scaling", (sys.executable, "tools/readiness.py")),
        Gate("squawk", (sys.executable, "tools/squawk.py")),
        Gate("catalogue", manage("messages_sync", "--check")),
    ]


def production_secrets() -> dict[str, str]:
    """Return what an operator would set: fresh values, so that none can be a shared default."""

    def key() -> str:
        return base64.b64encode(secrets.token_bytes(32)).decode()

    return {
        "SECRET_KEY": secrets.token_urlsafe(64),
        "EVOSENSE_DATA_KEYS": f"k1:{key()}",
        "EVOSENSE_HMAC_KEY": key(),
        "PUBLIC_HOST": "app.example.com",
        "EMAIL_URL": "smtp+tls://user:password@mail.example.com:587",
    }


def run(gate: Gate, environment: dict[str, str]) -> tuple[Gate, int, float, str]:
    started = time.monotonic()
    done = subprocess.run(
        gate.command,
        cwd=PROJECT,
        env=environment | {"DJANGO_SETTINGS_MODULE": gate.settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return gate, done.returncode, time.monotonic() - started, done.stdout.strip()


def main(names: list[str]) -> int:
    chosen = [gate for gate in gates() if not names or gate.name in names]
    failed = []
    with (
        tempfile.TemporaryDirectory(prefix="evosense-gates-", ignore_cleanup_errors=True) as folder,
        services(Home(Path(folder)), durable=False) as found,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        environment = {**os.environ, **production_secrets(), **found.environment()}
        for gate, code, took, output in pool.map(lambda gate: run(gate, environment), chosen):
            sys.stdout.write(f"{'ok    ' if code == 0 else 'FAILED'} {gate.name} ({took:.1f} s)\n")
            if code:
                failed.append(gate.name)
                sys.stdout.write(f"{output}\n\n")
            sys.stdout.flush()
    sys.stdout.write(f"gates: {len(chosen) - len(failed)} of {len(chosen)} passed")
    sys.stdout.write(f"; failed: {', '.join(failed)}\n" if failed else "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
