"""Every recorded REST answer, through a real server: what the client makes of it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from messaging.gateway.capabilities import CLOUD
from messaging.gateway.client.errors import EvolutionError
from messaging.gateway.client.evolution import Evolution
from messaging.gateway.client.instance import Instance
from messaging.tests.gateway.rig import KEY, NAME, REST, Script, instance_at, send_text

Act = Callable[[Evolution, Instance], Any]
SINCE, UNTIL = datetime(2025, 11, 15, tzinfo=UTC), datetime(2025, 11, 16, tzinfo=UTC)

# file → (class, code, effect)
SENDS = {
    "sendText.201.json": ("accepted", "", "none"),
    "sendText.201-cloud-error-in-body.json": ("permanent", "meta_131047", "none"),
    "sendText.400-exists-false.json": ("permanent", "not_on_whatsapp", "none"),
    "sendText.400-validation.json": ("permanent", "bad_request", "none"),
    "sendText.400-connection-closed.json": ("unknown", "connection_closed", "none"),
    "sendText.500-connection-closed.json": ("not_sent", "not_connected", "hold_lane"),
    "sendText.500-client-undefined.json": ("not_sent", "never_connected", "hold_lane"),
    "any.401.json": ("not_sent", "unauthorized", "trip_lane"),
    "any.404-instance.json": ("not_sent", "missing_instance", "trip_lane"),
    "any.404-route.json": ("permanent", "kind_unsupported", "none"),
    "any.503-license-required.json": ("not_sent", "license_required", "server_down"),
    "cloud-not-available.400.json": ("permanent", "kind_unsupported", "none"),
}


def _connect(client: Evolution, instance: Instance) -> Any:
    return client.connect(instance)


def _create(client: Evolution, instance: Instance) -> Any:
    return client.create_instance(
        instance, name=NAME, webhook_url="https://x.example", webhook_headers={}, settings={}
    )


def _media(client: Evolution, instance: Instance) -> Any:
    return client.media_base64(instance, provider_id="ACAE62694B4A01983E14AFC83CB2749A")


def _numbers(client: Evolution, instance: Instance) -> Any:
    return client.whatsapp_numbers(instance, ["5571980001234", "+5511900009999"])


def _messages(client: Evolution, instance: Instance) -> Any:
    return client.find_messages(instance, jid=None, since=SINCE, until=UNTIL)


# file → (call, what must hold of its answer); a text is the code of the error instead.
CALLS: dict[str, tuple[Act, Callable[[Any], object] | str]] = {
    "any.401.json": (_connect, "unauthorized"),
    "any.404-instance.json": (_connect, "missing_instance"),
    "any.404-route.json": (lambda c, i: c.restart(i), "unsupported"),
    "any.503-license-required.json": (_connect, "license_required"),
    "cloud-not-available.400.json": (_numbers, "unsupported"),
    "connection-state.200.json": (
        lambda c, i: c.connection_state(i),
        lambda state: state == "open",
    ),
    "delete.200.json": (lambda c, i: c.delete(i), lambda found: found is None),
    "fetch-instances.200.json": (
        lambda c, i: c.fetch_instances(i, name=NAME),
        lambda rows: (
            (rows[0].name, rows[0].state, rows[0].owner_jid, rows[0].token)
            == (NAME, "open", "5511900004200@s.whatsapp.net", KEY)
        ),
    ),
    "fetch-instances.404.json": (
        lambda c, i: c.fetch_instances(i, name="x"),
        lambda rows: rows == [],
    ),
    "find-messages.200.json": (
        _messages,
        lambda page: (
            (page.total, page.pages, page.current, len(page.records)) == (2, 1, 1, 2)
            and page.records[0]["MessageUpdate"][-1]["status"] == "READ"
        ),
    ),
    "get-base64.201.json": (
        _media,
        lambda media: media.mime == "image/jpeg" and media.content[:3] == b"\xff\xd8\xff",
    ),
    "get-base64.400-bad-decrypt.json": (_media, "bad_decrypt"),
    "get-base64.400-not-found.json": (_media, "not_found"),
    "instance-connect.200-already-open.json": (_connect, lambda seen: seen.state == "open"),
    "instance-connect.200-count-zero.json": (
        _connect,
        lambda seen: (seen.code, seen.count, seen.state, seen.raw_error) == ("", 0, "", ""),
    ),
    "instance-connect.200-error-true.json": (
        _connect,
        lambda seen: seen.raw_error == "[object Object]",
    ),
    "instance-connect.200-pairing.json": (
        lambda c, i: c.connect(i, number="5511900004200"),
        lambda seen: seen.pairing_code == "WZYEH1YY" and seen.count == 1,
    ),
    "instance-connect.200-qr.json": (
        _connect,
        lambda seen: seen.base64.startswith("data:image/png;base64,") and seen.code[:2] == "2@",
    ),
    "instance-create.201.json": (
        _create,
        lambda made: (
            (made.name, made.token, made.instance_id)
            == (NAME, KEY, "b7c1f0de-4a0e-4f5b-9a53-2d1f6c0e7a11")
        ),
    ),
    "instance-create.400-events-missing.json": (_create, "refused"),
    "instance-create.403-name-in-use.json": (_create, "name_taken"),
    "logout.200.json": (lambda c, i: c.logout(i), lambda found: found is None),
    "logout.400-not-connected.json": (lambda c, i: c.logout(i), lambda found: found is None),
    "mark-as-read.201.json": (
        lambda c, i: c.mark_read(i, jid="5511900001234@s.whatsapp.net", provider_ids=["A1"]),
        lambda found: found is None,
    ),
    "webhook-find.200-null.json": (lambda c, i: c.find_webhook(i), lambda found: found is None),
    "webhook-set.201.json": (
        lambda c, i: c.set_webhook(i, url="https://x.example", headers={}),
        lambda found: found is None,
    ),
    "whatsapp-numbers.200.json": (
        _numbers,
        lambda rows: (
            [(row.number, row.exists, row.jid) for row in rows]
            == [
                ("5571980001234", True, "557180001234@s.whatsapp.net"),
                ("5511900009999", False, "5511900009999@s.whatsapp.net"),
            ]
        ),
    ),
    "whatsapp-numbers.400-raw.json": (_numbers, "check_failed"),
}


def test_no_recorded_answer_is_left_out() -> None:
    assert {path.name for path in REST.glob("*.json")} == set(SENDS) | set(CALLS)


@pytest.mark.parametrize("name", SENDS)
def test_a_send_is_classified(server: Script, client: Evolution, name: str) -> None:
    server.replay(name)

    outcome = send_text(client, instance_at(server.url))

    assert (outcome.klass, outcome.code, outcome.effect) == SENDS[name]
    assert outcome.http_status == server.status
    assert KEY not in repr(outcome)
    assert "55119" not in outcome.detail


@pytest.mark.parametrize("name", CALLS)
def test_another_call_is_read(server: Script, client: Evolution, name: str) -> None:
    server.replay(name)
    act, expected = CALLS[name]
    instance = instance_at(server.url)

    if isinstance(expected, str):
        with pytest.raises(EvolutionError) as refused:
            act(client, instance)
        assert refused.value.code == expected
        assert refused.value.http_status == server.status
        return
    found = act(client, instance)
    assert expected(found)
    assert KEY not in repr(found)


def test_what_was_accepted_is_known_by_the_address_that_was_used(
    server: Script, client: Evolution
) -> None:
    server.replay("sendText.201.json")

    outcome = send_text(client, instance_at(server.url), to="11900001234")

    assert outcome.provider_id == "3EB0F80AF6FEFB7A50EB33"
    assert outcome.remote_jid == "5511900001234@s.whatsapp.net"
    assert outcome.occurred_at == datetime(2025, 11, 15, 9, 47, tzinfo=UTC)


def test_a_refusal_of_meta_is_told_in_its_words(server: Script, client: Evolution) -> None:
    server.replay("sendText.201-cloud-error-in-body.json")

    outcome = send_text(client, instance_at(server.url, integration=CLOUD))

    assert "more than 24 hours have passed" in outcome.detail
    assert not outcome.can_retry
    server.answer(201, {"error": {"message": "Rate limit hit", "code": 130429, "fbtrace_id": "A"}})
    later = send_text(client, instance_at(server.url, integration=CLOUD))
    assert (later.code, later.can_retry) == ("meta_130429", True)
