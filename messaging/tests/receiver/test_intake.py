import json
from uuid import UUID, uuid4

import pytest

from messaging.ingest.receiver.intake import arrival_of, hide_token, oversize, read_path
from messaging.ingest.receiver.tokens import Route

ROUTE = Route(uuid4(), uuid4(), "evs-1", b"h" * 32)
TOKEN = "T" * 43


def record_of(document, route=ROUTE, path_event=""):
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    return arrival_of(route, raw, path_event=path_event, max_blob=1 << 20).record


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/hooks/evo/abc", ("abc", "", "")),
        ("/hooks/evo/abc/", ("abc", "", "")),
        ("/hooks/evo/abc/messages-upsert", ("abc", "", "messages-upsert")),
        ("/hooks/evo/abc//messages-upsert/", ("abc", "", "messages-upsert")),
        (f"/hooks/evo/abc/{TOKEN}", ("abc", TOKEN, "")),
        (f"/hooks/evo//abc/{TOKEN}/connection-update/", ("abc", TOKEN, "connection-update")),
        ("/hooks/evo/abc/group-participants-update", ("abc", "", "group-participants-update")),
        (f"/hooks/evo/abc/{TOKEN}/x/y", None),
        ("/hooks/evo/abc/x/y", None),
        ("/hooks/evo/", None),
        ("/hooks/evo", None),
        ("/hooks/evolution/abc", None),
        ("/other/hooks/evo/abc", None),
    ],
)
def test_paths_are_read_by_the_shape_of_their_parts(path, expected):
    assert read_path(path) == expected


def test_tokens_are_cut_from_log_lines():
    identifier = UUID(int=7)
    line = hide_token(f"/hooks/evo/{identifier}/{TOKEN}/messages-upsert")
    assert line == f"/hooks/evo/{identifier}/…"
    assert hide_token("/conversas/") == "/conversas/"


def test_event_names_have_one_form_and_history_its_lane():
    forms = ["MESSAGES_SET", "messages-set", "messages.set"]
    records = [record_of({"event": form, "instance": "evs-1", "data": []}) for form in forms]
    assert {(record.event, record.lane) for record in records} == {("messages.set", 1)}
    assert record_of({"event": "messages.upsert", "data": {}}).lane == 0


def test_other_instance_is_kept_but_not_processed():
    record = record_of({"event": "messages.upsert", "instance": "foreign", "data": {}})
    assert (record.flag, record.status, record.instance) == ("mismatch", 2, "foreign")
    assert record.tenant_id == ROUTE.tenant_id


def test_body_without_instance_is_no_mismatch():
    assert record_of({"event": "error", "data": {}}).flag == ""


@pytest.mark.parametrize("raw", [b"{", b"[]", b"", b"\0\xff"])
def test_broken_bodies_are_kept_with_the_event_of_the_path(raw):
    record = record_of(raw, path_event="messages-upsert")
    assert (record.flag, record.status, record.event) == ("broken", 2, "messages.upsert")
    assert record.body == raw


def test_text_columns_get_no_nul_and_no_surrogates():
    record = record_of(b'{"event":"a\\u0000b\\ud800","instance":"i\\u0000\\udfff"}')
    for text in (record.event, record.instance):
        assert "\0" not in text
        text.encode()


def test_dedupe_key_names_the_fact():
    def key(status="READ", destination="https://a", identifier="ABC", event="messages.update"):
        data = {"keyId": identifier, "status": status}
        return record_of({"event": event, "destination": destination, "data": data}).dedupe_key

    assert key() == key(destination="https://global")
    assert len({key(), key(status="DELIVERY_ACK"), key(identifier="X"), key(event="other")}) == 4


def test_dedupe_key_without_an_id_is_that_of_the_data():
    first = record_of({"event": "contacts.update", "data": [{"a": 1}], "destination": "x"})
    again = record_of({"event": "contacts.update", "data": [{"a": 1}], "destination": "y"})
    other = record_of({"event": "contacts.update", "data": [{"a": 2}]})
    assert first.dedupe_key == again.dedupe_key != other.dedupe_key


def test_times_never_repeat():
    times = [record_of({}).received_us for _ in range(500)]
    assert len(set(times)) == 500
    assert times == sorted(times)


def test_oversize_row_has_no_body():
    record = oversize(ROUTE, path_event="messages-set")
    assert (record.body, record.flag, record.status) == (b"", "oversize", 2)
