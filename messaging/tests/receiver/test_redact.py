import base64
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messaging.ingest.receiver.redact import inflate, shape

MARKER = {"$redacted": True}
LIMIT = 1 << 20
FIXTURES = Path(__file__).parents[1] / "fixtures" / "evolution"


def shaped(document, **options):
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    return shape(raw, max_blob=LIMIT)


def test_body_without_secrets_keeps_its_bytes():
    raw = b'{ "event" : "x",  "data":{"n": 12345678901234567890123, "f": 1.10, "e":"\\u00e9"}}'
    assert shaped(raw).body == raw


def test_destination_and_apikey_are_replaced_and_nothing_else_changes():
    raw = (
        b'{"event":"x","destination": "https://a/\\"b\\"", "data":{"big":123456789012345678901},'
        b' "apikey":"S3CRET" }'
    )
    assert shaped(raw).body == (
        b'{"event":"x","destination": {"$redacted":true}, "data":{"big":123456789012345678901},'
        b' "apikey":{"$redacted":true} }'
    )


def test_an_ordinary_event_is_changed_in_its_bytes_only():
    raw = b'{ "event": "x", "destination" : "u", "apikey": null, "api_key":"", "data": 1.50 }'
    assert shaped(raw).body == raw.replace(b'"u"', b'{"$redacted":true}')


@pytest.mark.parametrize(
    "raw",
    [
        b'{"apikey":"S3CRET","apikey":"S3CRET"}',
        b'{"api\\u006bey":"S3CRET"}',
        b'{"apikey":{"value":"S3CRET"}}',
        b'{"apikey":["S3CRET"]}',
        b'{"data":{"ApiKey":"x","apikey":"S3CRET"}}',
        b'{"data":{"webhook":{"headers":{"Authorization":"Bearer S3CRET"}}}}',
        b'{"data":{"webhook":{"headers":{"X-Token":"S3CRET","jwt_key":"S3CRET"}}}}',
        b'{"event":"error","api_key":"S3CRET"}',
        b'{"apikey":"S3CRET", broken',
        b'{"apikey":"S3CRET',
        b'[{"apikey":"S3CRET"}]',
        b'{"apikey":"S3CRET","data":"\\ud800"}',
        '{"apikey":"S3CRET"}'.encode("utf-16"),
    ],
)
def test_no_spelling_of_a_secret_survives(raw):
    body = shaped(raw).body
    assert b"S3CRET" not in body
    assert "S3CRET".encode("utf-16-le") not in body


def test_words_in_a_text_are_not_secrets():
    document = {"data": {"text": '"apikey":"x" destination base64'}, "apikey": None}
    raw = json.dumps(document).encode()
    assert shaped(raw).body == raw


def test_media_is_cut_out_and_named_in_the_body():
    content = b"\xff\xd8\xff media"
    message = {"imageMessage": {"mimetype": "image/jpeg"}}
    message["base64"] = base64.b64encode(content).decode()
    result = shaped({"event": "messages.upsert", "data": {"message": message}})
    (blob,) = result.blobs
    assert (blob.content, blob.mime) == (content, "image/jpeg")
    reference = json.loads(result.body)["data"]["message"]["base64"]
    assert reference == {"$blob": str(blob.id), "size": len(content), "sha256": blob.sha256.hex()}


def test_media_is_found_in_arrays_and_wrappers():
    inner = {"base64": base64.b64encode(b"inner").decode()}
    document = {
        "data": [
            {"message": {"base64": base64.b64encode(b"first").decode()}},
            {"message": {"ephemeralMessage": {"message": inner}}},
        ]
    }
    assert {blob.content for blob in shaped(document).blobs} == {b"first", b"inner"}


@pytest.mark.parametrize(
    ("text", "error"), [("not base64!", "invalid"), ("A" * (LIMIT * 2), "too_large")]
)
def test_unusable_media_leaves_a_marker(text, error):
    result = shaped({"data": {"message": {"base64": text}}})
    assert result.blobs == ()
    marker = json.loads(result.body)["data"]["message"]["base64"]
    assert marker == {"$blob": None, "size": len(text), "error": error}


def test_data_uri_and_line_breaks_are_understood():
    text = "data:image/png;base64," + base64.encodebytes(b"x" * 100).decode()
    (blob,) = shaped({"data": {"message": {"base64": text}}}).blobs
    assert (blob.content, blob.mime) == (b"x" * 100, "image/png")


def test_pairing_codes_are_taken_out_of_the_body():
    qr = {
        "instance": "i",
        "pairingCode": "WZYEH1YY",
        "code": "2@abc",
        "base64": "data:;base64,AA==",
    }
    result = shaped({"event": "qrcode.updated", "data": {"qrcode": qr}})
    assert result.qr == {name: qr[name] for name in ("pairingCode", "code", "base64")}
    stored = json.loads(result.body)["data"]["qrcode"]
    assert stored == {"instance": "i", "pairingCode": MARKER, "code": MARKER, "base64": MARKER}
    assert result.blobs == ()


def test_thumbnails_stay():
    thumbnail = {"0": 255, "1": 216}
    document = {"data": {"message": {"imageMessage": {"jpegThumbnail": thumbnail}}}}
    assert shaped(document).document == document


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[1]", b"null", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"a":' * 5_000]
)
def test_what_is_no_object_stays_as_it_is(raw):
    assert shaped(raw) == (raw, None, (), None)


def test_rewriting_keeps_huge_numbers_surrogates_and_not_a_number():
    raw = b'{"data":{"base64":"AAAA","n":123456789012345678901234567890,"s":"\\ud83d","x":NaN}}'
    stored = json.loads(shaped(raw).body)["data"]
    assert (stored["n"], stored["s"]) == (123456789012345678901234567890, "\ud83d")


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("[0-9]*.json")), ids=lambda path: path.stem)
def test_fixture_keeps_its_meaning_and_loses_its_secrets(path):
    raw = path.read_bytes()
    result = shape(raw, max_blob=len(raw))
    before, after = json.loads(raw), json.loads(result.body)
    is_cut = bool(result.blobs or result.qr)
    assert (after.get("data") == before.get("data")) is not is_cut
    for secret in ("destination", "apikey", "api_key"):
        assert after.get(secret) in (None, "", MARKER)


@given(st.binary(max_size=300))
def test_no_bytes_raise(raw):
    shaped(raw)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text() | st.integers(),
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(
            st.sampled_from(["apikey", "data", "base64", "qrcode", "headers", "destination", "x"]),
            children,
            max_size=4,
        )
    ),
    max_leaves=12,
)


# The first text of a run builds the character tables, which takes seconds on a busy machine.
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(st.sampled_from(["apikey", "data", "destination", "event"]), JSON))
def test_stored_body_is_always_json(document):
    result = shaped(document)
    stored = json.loads(result.body)
    assert stored.get("apikey") in (None, "", MARKER)
    assert stored.get("destination") in (None, "", MARKER)


def test_compressed_bodies_are_opened_up_to_the_limit():
    import gzip

    assert inflate(gzip.compress(b"x" * 100), limit=100) == b"x" * 100
    assert inflate(gzip.compress(b"x" * 101), limit=100) is None
    assert inflate(b"{}", limit=100) == b"{}"
