"""Make `.venv` hold exactly what the requirements files say. Standard library only.

    python3 tools/environment.py run     what `make run` needs
    python3 tools/environment.py dev     that and what tests and gates need

Tools that may not share versions with ours (semgrep pins an old OpenTelemetry) live in
`.venv/tools`, an environment of its own. A stamp with the files' hash makes the repeated call free.
"""

from __future__ import annotations

import ast
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
VENV = PROJECT / ".venv"
PYTHON = str(VENV / "bin" / "python")
BOOTSTRAP = "requirements-bootstrap.txt"
TOOLS = VENV / "tools"
TOOLS_LOCK = "requirements-tools.txt"
GROUPS = {
    "run": ["requirements.txt"],
    "dev": ["requirements.txt", "requirements-dev.txt", TOOLS_LOCK],
}


def say(text: str) -> None:
    sys.stderr.write(f"environment: {text}\n")
    sys.stderr.flush()


def main(group: str) -> int:
    """Return 0 when the environment is right, after repairing it if need be."""
    with (PROJECT / ".venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_current(group):
            return 0
        started = time.monotonic()
        try:
            create()
            # Once developers' tools are in, they stay: `make run` after `make test` is no change.
            wanted = "dev" if group == "dev" or stamp("dev").exists() else "run"
            install(wanted)
        except subprocess.CalledProcessError as error:
            say(f"failed with code {error.returncode}: {' '.join(map(str, error.cmd))}")
            return 1
        for name in GROUPS if wanted == "dev" else [wanted]:
            stamp(name).write_text(fingerprint(name))
        say(f"ready in {time.monotonic() - started:.0f} s")
    return 0


def stamp(group: str) -> Path:
    return VENV / f".evosense-{group}"


def fingerprint(group: str) -> str:
    digest = hashlib.sha256()
    for name in (BOOTSTRAP, *GROUPS[group]):
        digest.update((PROJECT / name).read_bytes())
    return digest.hexdigest()


def is_current(group: str) -> bool:
    try:
        return stamp(group).read_text() == fingerprint(group) and works()
    except OSError:
        return False


def works() -> bool:
    """Tell whether the interpreter runs: a moved folder or a removed Python breaks it."""
    try:
        return subprocess.run([PYTHON, "-c", ""], check=False).returncode == 0
    except OSError:
        return False


def create() -> None:
    if works():
        return
    say(f"creating .venv with Python {sys.version.split()[0]}")
    shutil.rmtree(VENV, ignore_errors=True)
    try:
        subprocess.run([sys.executable, "-m", "venv", VENV], stdout=sys.stderr, check=True)
    except subprocess.CalledProcessError:
        say("`python3 -m venv` does not work here; on Debian and Ubuntu: apt install python3-venv")
        raise


def install(group: str) -> None:
    """Install with uv, or with pip where uv has no build or cannot reach its index."""
    say(f"installing {' and '.join(GROUPS[group])}")
    pip = [PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    bootstrap = [*pip, "--require-hashes", "-r", str(PROJECT / BOOTSTRAP)]
    subprocess.run(bootstrap, stdout=sys.stderr, check=False)
    sync(VENV, [name for name in GROUPS[group] if name != TOOLS_LOCK])
    if TOOLS_LOCK in GROUPS[group]:
        subprocess.run([PYTHON, "-m", "venv", TOOLS], stdout=sys.stderr, check=True)
        sync(TOOLS, [TOOLS_LOCK])


def sync(room: Path, names: list[str]) -> None:
    """Make one environment hold what these lock files say, and nothing else."""
    files = [str(PROJECT / name) for name in names]
    python = str(room / "bin" / "python")
    try:
        uv = [str(VENV / "bin" / "uv"), "pip", "sync", "--quiet", "--require-hashes"]
        subprocess.run(
            [*uv, "--python", python, *files], env=uv_environment(), stdout=sys.stderr, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        say("uv did not succeed; trying pip")
        pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        arguments = [part for path in files for part in ("-r", path)]
        subprocess.run([*pip, "--require-hashes", *arguments], stdout=sys.stderr, check=True)


def uv_environment() -> dict[str, str]:
    """Give uv the indexes pip is configured with: it reads neither pip.conf nor PIP_*."""
    env = {"UV_SYSTEM_CERTS": "1", **os.environ}
    settings = pip_settings()
    translation = {
        "index-url": ("UV_DEFAULT_INDEX", " "),
        "extra-index-url": ("UV_INDEX", " "),
        "find-links": ("UV_FIND_LINKS", ","),
        "cert": ("SSL_CERT_FILE", " "),
    }
    for name, (variable, separator) in translation.items():
        if name in settings:
            env.setdefault(variable, separator.join(settings[name].split()))
    # Safe, because every file must match a hash: any index may offer it.
    env.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    if not os.access(Path.home(), os.W_OK):
        env.setdefault("UV_NO_CACHE", "1")
    return env


def pip_settings() -> dict[str, str]:
    """Return pip's effective options by their last name, environment over files."""
    command = [PYTHON, "-m", "pip", "config", "list"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    settings = {}
    for line in done.stdout.splitlines():
        name, found, value = line.partition("=")
        if found:
            settings[name.split(".")[-1]] = str(ast.literal_eval(value))
    return settings


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
