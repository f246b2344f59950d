"""The command: one JSON line when it is up, and a short refusal when it cannot be."""

import json
import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]
ALONE = [sys.executable, "-m", "messaging.simulator", "--port"]


def environment(home: Path) -> dict[str, str]:
    # Without the settings module: the core must run where Django is not even configured.
    kept = {name: text for name, text in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return kept | {"EVOSENSE_HOME": str(home)}


def test_it_runs_alone_and_says_where(tmp_path: Path):
    process = subprocess.Popen(
        [*ALONE, "0"], cwd=PROJECT, env=environment(tmp_path), stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        url = json.loads(process.stdout.readline())["url"]
        with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310
            assert json.load(answer)["version"] == "2.3.7"
    finally:
        process.terminate()
        assert process.wait(60) is not None


def refused(arguments: list[str], home: Path) -> str:
    result = subprocess.run(
        arguments,
        cwd=PROJECT,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.returncode != 0
    assert not result.stdout
    return result.stderr


def test_a_taken_port_is_a_short_refusal(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert refused([*ALONE, port], tmp_path).count("\n") == 1


def test_the_demonstration_needs_its_seed(tmp_path: Path):
    assert "seed_demo" in refused([*ALONE, "0", "--demo"], tmp_path)


@pytest.mark.parametrize("name", ["django", "messaging.models"])
def test_the_core_does_not_load_django(name: str, tmp_path: Path):
    code = f"import sys, messaging.simulator.run; sys.exit({name!r} in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, env=environment(tmp_path), check=False
    )
    assert result.returncode == 0
