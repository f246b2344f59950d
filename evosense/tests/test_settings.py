"""Production settings refuse to start half-configured and say everything that is missing."""

import base64
import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.test import override_settings

from evosense.core import checks

REQUIRED = [
    "SECRET_KEY",
    "EVOSENSE_DATA_KEYS",
    "EVOSENSE_HMAC_KEY",
    "PUBLIC_HOST",
    "DATABASE_URL",
    "REDIS_URL",
]


def load_base(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    kept = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run(
        [sys.executable, "-c", "import evosense.settings.base"],
        cwd=settings.BASE_DIR,
        env=kept,
        capture_output=True,
        text=True,
        check=False,
    )


def complete() -> dict[str, str]:
    key = base64.b64encode(os.urandom(32)).decode()
    return {
        "SECRET_KEY": "x" * 50,
        "EVOSENSE_DATA_KEYS": f"k1:{key}",
        "EVOSENSE_HMAC_KEY": key,
        "PUBLIC_HOST": "app.example.com",
        "DATABASE_URL": "postgres://u@h/d",
        "REDIS_URL": "redis://h",
    }


def test_everything_missing_is_listed_at_once() -> None:
    outcome = load_base({})
    assert outcome.returncode != 0
    for name in REQUIRED:
        assert f"- {name}: not set" in outcome.stderr


def test_malformed_values_are_named_together() -> None:
    outcome = load_base(
        complete() | {"SECRET_KEY": "short", "EVOSENSE_HMAC_KEY": "AAAA", "DATABASE_POOL_MAX": "x"}
    )
    assert outcome.returncode != 0
    for part in ("SECRET_KEY: shorter", "EVOSENSE_HMAC_KEY: expected 32", "DATABASE_POOL_MAX: 'x'"):
        assert part in outcome.stderr


def test_a_complete_environment_starts_and_reads_files(tmp_path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("y" * 60 + "\n")
    environment = complete()
    del environment["SECRET_KEY"]
    outcome = load_base(environment | {"SECRET_KEY_FILE": str(secret)})
    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.parametrize(
    ("check", "overrides", "wanted"),
    [
        (checks.check_data_keys, {"HMAC_KEY": b"a" * 32}, "core.E001"),
        (checks.check_public_host, {"PUBLIC_HOST": "https://app.example.com"}, "core.E002"),
        (checks.check_key_ids, {"DATA_KEYS": [("k", b"1"), ("k", b"2")]}, "core.E003"),
        (checks.check_spool, {"RECEIVER_SPOOL_DIR": "/proc/no-such-place"}, "core.W001"),
    ],
)
def test_operator_mistakes_have_an_id_and_a_hint(check, overrides, wanted) -> None:
    if wanted == "core.W001" and os.geteuid() == 0:
        overrides = {"RECEIVER_SPOOL_DIR": "/proc/1/no-such-place"}
        if os.access("/proc/1", os.W_OK):
            pytest.skip("root may write everywhere that this test could name")
    with override_settings(**overrides):
        found = check(None)
    assert [message.id for message in found] == [wanted]
    assert found[0].hint
