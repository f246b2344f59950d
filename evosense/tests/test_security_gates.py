"""The gates catch what they are for, and none of them can pass by not looking."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import audit, gates, sbom

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "tools" / "semgrep" / "examples"
MARK = re.compile(r"(?:#|<!--) (bad|good): ([a-z-]+)")


def marked(kind: str) -> set[tuple[str, int, str]]:
    """Return (file, line, rule) of the lines that stand below a mark."""
    return {
        (path.stem, number + 1, found[2])
        for path in EXAMPLES.iterdir()
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if (found := MARK.search(line)) and found[1] == kind
    }


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> set[tuple[str, int, str]]:
    """What our rules find in the examples, without any network."""
    folder = tmp_path_factory.mktemp("examples")
    for path in EXAMPLES.iterdir():
        # Kept as text, so that no other check takes them for code of ours.
        shutil.copy(path, folder / path.stem)
    gate = next(one for one in gates.gates() if one.name == "semgrep")
    command = [*gate.command[:-1], "--json", "."]
    nowhere = "http://127.0.0.1:9"
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "HTTPS_PROXY": nowhere, "HTTP_PROXY": nowhere, "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    report = json.loads(done.stdout)
    assert not report["errors"]
    return {
        (Path(one["path"]).name, one["start"]["line"], one["check_id"].rsplit(".", 1)[-1])
        for one in report["results"]
    }


def test_each_bad_example_is_found(found) -> None:
    assert marked("bad") - found == set()


def test_no_good_example_is_found(found) -> None:
    assert marked("good") & found == set()
    assert found - marked("bad") == set()


def test_every_rule_has_a_bad_and_a_good_example() -> None:
    rules = set(re.findall(r"- id: ([a-z-]+)", "".join(map(Path.read_text, RULES))))
    assert rules == {rule for _file, _line, rule in marked("bad")}
    # These have nothing that looks alike and is right.
    lacking = rules - {rule for _file, _line, rule in marked("good")}
    assert lacking <= {"template-from-text", "mail-door"}


RULES = list((ROOT / "tools" / "semgrep" / "rules").glob("*.yml"))


def test_security_gates_are_part_of_check() -> None:
    assert {"semgrep", "bandit"} <= {gate.name for gate in gates.gates()}


LOCK = """\
celery==5.5.0 \\
    --hash=sha256:00
    # via x
Django_Thing==5.2 \\
    --hash=sha256:00
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:00
"""


def report(*packages) -> dict:
    return {"dependencies": [dict(one) for one in packages]}


CELERY = {"name": "celery", "version": "5.5.0", "vulns": []}
DJANGO = {"name": "django-thing", "version": "5.2", "vulns": []}


def test_what_the_lock_installs_here_is_expected() -> None:
    assert audit.installed(LOCK) == {"celery": "5.5.0", "django-thing": "5.2"}
    for name in audit.LOCKS:
        assert len(audit.installed((ROOT / name).read_text())) > 20


@pytest.mark.parametrize(
    ("given", "missed", "findings"),
    [
        (report(CELERY, DJANGO), 0, 0),
        (report(CELERY), 1, 0),
        (report(), 2, 0),
        ({}, 2, 0),
        (None, 2, 0),
        (report(CELERY, {"name": "django-thing", "skip_reason": "no answer"}), 1, 0),
        (report(CELERY, {"name": "django-thing", "version": "5.2"}), 1, 0),
        (report(CELERY, {**DJANGO, "version": "5.1"}), 1, 0),
        (report(CELERY, {**DJANGO, "vulns": [{"id": "CVE-1", "fix_versions": []}]}), 0, 1),
    ],
)
def test_skipped_is_not_audited(given, missed, findings) -> None:
    got = audit.judge(audit.installed(LOCK), given)
    assert (len(got[0]), len(got[1])) == (missed, findings)


def fake_tool(folder: Path, answer: str, code: int = 0) -> str:
    tool = folder / "pip-audit"
    tool.write_text(f"#!{sys.executable}\nprint({answer!r})\nraise SystemExit({code})\n")
    tool.chmod(0o755)
    return str(tool)


def test_a_tool_that_says_all_is_well_without_looking_is_not_believed(tmp_path, capsys) -> None:
    assert audit.main([], fake_tool(tmp_path, '{"dependencies": []}')) == audit.NOT_AUDITED
    assert "NOT AUDITED" in capsys.readouterr().out
    assert audit.main([], fake_tool(tmp_path, "all fine")) == audit.NOT_AUDITED
    assert audit.main([], str(tmp_path / "missing")) == audit.NOT_AUDITED


def test_a_whole_report_passes_and_a_finding_does_not(tmp_path, capsys) -> None:
    pins = audit.installed((ROOT / "requirements.txt").read_text())
    rows = [{"name": name, "version": version, "vulns": []} for name, version in pins.items()]
    whole = json.dumps({"dependencies": rows})
    assert audit.main(["requirements.txt"], fake_tool(tmp_path, whole)) == audit.CLEAN
    rows[0]["vulns"] = [{"id": "CVE-2026-1", "fix_versions": ["9"]}]
    found = json.dumps({"dependencies": rows})
    assert audit.main(["requirements.txt"], fake_tool(tmp_path, found, 1)) == audit.VULNERABLE
    assert "CVE-2026-1" in capsys.readouterr().out


def test_the_real_tool_without_a_network_is_loud() -> None:
    nowhere = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "https_proxy"), "http://127.0.0.1:9")
    done = subprocess.run(
        [sys.executable, "tools/audit.py", "requirements-bootstrap.txt"],
        cwd=ROOT,
        env={**os.environ, **nowhere, "NO_PROXY": ""},
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == audit.NOT_AUDITED
    assert "NOT AUDITED" in done.stdout


def test_the_bill_of_materials_is_whole_and_the_same_each_time(tmp_path) -> None:
    first = sbom.write(tmp_path / "one.json").read_bytes()
    assert first == sbom.write(tmp_path / "two.json").read_bytes()
    bill = json.loads(first)
    assert bill["bomFormat"] == "CycloneDX"
    named = {audit.normal(one["name"]) for one in bill["components"]}
    assert set(audit.installed((ROOT / "requirements.txt").read_text())) <= named
    assert all(one.get("version") for one in bill["components"])
