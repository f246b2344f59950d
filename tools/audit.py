"""Ask for known vulnerabilities of every locked package; silence of the service is no "none".

pip-audit answers 0 when it skipped packages or was given none, so its exit code is not believed:
each package that the locks install here must be in its report, checked.

.venv/bin/python tools/audit.py [LOCK…]
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from packaging.markers import Marker

PROJECT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.txt", "requirements-dev.txt", "requirements-tools.txt")
TOOL = str(Path(sys.executable).parent / "pip-audit")
PATIENCE = 600
CLEAN, VULNERABLE, NOT_AUDITED = 0, 1, 2
_PIN = re.compile(
    r"^([A-Za-z0-9][\w.-]*)(?:\[[^]]*\])?==([^\s;\\]+)\s*(?:;\s*(.*?))?\s*\\?$", re.MULTILINE
)


def installed(lock: str) -> dict[str, str]:
    """Return name and version of what a lock file installs on this platform."""
    return {
        normal(name): version
        for name, version, marker in _PIN.findall(lock)
        if not marker or Marker(marker).evaluate()
    }


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def ask(lock: Path, tool: str) -> dict[str, Any] | None:
    """Return pip-audit's report, or None when there is none to read."""
    command = [tool, "--strict", "--require-hashes", "--disable-pip", "--progress-spinner", "off"]
    try:
        done = subprocess.run(
            [*command, "--format", "json", "--requirement", str(lock)],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        report = json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired, json.JSONDecodeError):
        return None
    return report if isinstance(report, dict) else None


def judge(expected: dict[str, str], report: dict[str, Any] | None) -> tuple[list[str], list[str]]:
    """Return (packages that were not audited, findings)."""
    checked, findings = {}, []
    for one in (report or {}).get("dependencies", []):
        if "skip_reason" in one or "vulns" not in one:
            continue
        checked[normal(one["name"])] = one.get("version")
        findings += [
            f"{one['name']} {one['version']}: {found['id']}"
            f" (fixed in {', '.join(found.get('fix_versions') or ['no version yet'])})"
            for found in one["vulns"]
        ]
    missed = [
        f"{name} {version}"
        for name, version in sorted(expected.items())
        if checked.get(name) != version
    ]
    return missed, findings


def main(names: list[str], tool: str = TOOL) -> int:
    """Print what was found for each lock file; the worst outcome is the exit code."""
    worst = CLEAN
    for name in names or LOCKS:
        lock = PROJECT / name
        expected = installed(lock.read_text())
        missed, findings = judge(expected, ask(lock, tool))
        for finding in findings:
            sys.stdout.write(f"{name}: VULNERABLE {finding}\n")
        if missed or not expected:
            sys.stdout.write(
                f"{name}: NOT AUDITED: {len(missed)} of {len(expected)} packages were not checked"
                f" ({', '.join(missed[:5])}). Is the vulnerability service reachable from here?\n"
            )
            worst = NOT_AUDITED
        elif findings:
            worst = max(worst, VULNERABLE)
        else:
            sys.stdout.write(f"{name}: {len(expected)} packages, no known vulnerability\n")
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
