"""Unusual requests whose secrets must reach neither the database nor a log."""

import json

import pytest

from messaging.ingest.receiver.intake import hide_token, is_hook, read_path
from messaging.ingest.receiver.redact import shape

TOKEN = "T" * 43


@pytest.mark.parametrize("name", ["apiKey", "APIKEY", "Api_Key", "AUTHORIZATION"])
def test_secrets_are_found_in_any_case(name):
    body = shape(json.dumps({"event": "x", name: "S3CRET"}).encode(), max_blob=100).body
    assert b"S3CRET" not in body


@pytest.mark.parametrize(
    "data", [{"code": "2@S3CRET", "count": 1}, {"qr": {"code": "2@S3CRET", "base64": "UzNDUkVU"}}]
)
def test_login_codes_are_taken_out_wherever_the_event_nests_them(data):
    event = {"event": "QRCODE_UPDATED", "instance": "evs-1", "data": data}
    shaped = shape(json.dumps(event).encode(), max_blob=100)
    assert b"S3CRET" not in shaped.body
    assert b"UzNDUkVU" not in shaped.body
    assert shaped.qr is not None
    assert shaped.qr["code"] == "2@S3CRET"
    assert shaped.blobs == ()


@pytest.mark.parametrize("prefix", ["/hooks/evo/", "//hooks/evo/", "//hooks//evo//"])
def test_slashes_too_many_never_bring_a_token_to_another_application(prefix):
    path = f"{prefix}abc/{TOKEN}/x"
    assert is_hook(path)
    assert read_path(path) == ("abc", TOKEN, "x")
    assert TOKEN not in hide_token(path)


@pytest.mark.parametrize("path", ["/hooks/evolution/abc", "/other/hooks/evo/abc", "/hooks/evo"])
def test_other_paths_are_no_hooks(path):
    assert not is_hook(path)
