"""Small parts of the kernel: ids, phones, encryption, cursors, masks, limits, cache keys."""

import json
from datetime import UTC

import pytest
from django.core.cache import caches
from hypothesis import given
from hypothesis import strategies as st

from evosense.core import ratelimit
from evosense.core.crypto import DecryptionError, decrypt, encrypt, tenant_hmac
from evosense.core.errors import Invalid
from evosense.core.ids import schema_name, uuid7
from evosense.core.logging import mask, mask_values
from evosense.core.pagination import decode_cursor, encode_cursor
from evosense.core.phones import br_key, br_variants, format_phone, parse_phone
from evosense.core.schema import NoTenantError, TenantRef, tenant_scope
from evosense.core.stream_ticket import issue_ticket, read_ticket

ONE = TenantRef(id=uuid7(), schema_name="t_one", slug="one")
TWO = TenantRef(id=uuid7(), schema_name="t_two", slug="two")


def test_uuid7_is_ordered_by_time_and_marked() -> None:
    made = [uuid7() for _ in range(50)]
    assert all(value.version == 7 and value.variant == "specified in RFC 4122" for value in made)
    assert [value.int >> 80 for value in made] == sorted(value.int >> 80 for value in made)


def test_schema_names_never_need_quotes() -> None:
    assert all(schema_name().isascii() and schema_name()[2:].isalnum() for _ in range(50))


@pytest.mark.parametrize(
    ("given_digits", "variants"),
    [
        ("5571980001234", {"5571980001234", "557180001234"}),
        ("557180001234", {"5571980001234", "557180001234"}),
        ("551130001234", {"551130001234"}),
        ("14155550123", {"14155550123"}),
    ],
)
def test_both_forms_of_a_brazilian_mobile_are_looked_up(given_digits, variants) -> None:
    assert set(br_variants(given_digits)) == variants
    assert {br_key(form) for form in variants} == {br_key(given_digits)}


def test_typed_numbers_become_digits_with_country_code() -> None:
    assert parse_phone("(41) 90018-4470") == "5541900184470"
    assert parse_phone("+1 415 555 0123") == "14155550123"
    assert parse_phone("not a number") is None


@pytest.mark.parametrize(
    ("typed", "reached"),
    [
        ("14155552671", "14155552671"),
        ("34612345678", "34612345678"),
        ("351 912 345 678", "351912345678"),
        ("00 1 415 555 2671", "14155552671"),
        ("+44 (0)20 7946 0958", "442079460958"),
        ("\u202a+55 71 8000-1234\u202c", "557180001234"),
        ("4791234567", "4791234567"),
        ("041 99001-8447", "5541990018447"),
        ("11 3000-1234", "551130001234"),
        ("5541900184470", "5541900184470"),
        ("557180001234", "557180001234"),
        ("71 8000-1234", "557180001234"),
        ("558001234567", "558001234567"),
    ],
)
def test_a_number_with_its_country_code_stays_in_its_country(typed, reached) -> None:
    assert parse_phone(typed) == reached


@pytest.mark.parametrize(
    "typed",
    [
        "900001234",
        "12345678",
        "55119CALLMEUP",
        "tel 41 90018-4470",
        "20998765432",
        "2088887777",
        "\u00b211912345678",
        "0000",
        "+",
        "",
        "1" * 300,
    ],
)
def test_what_could_be_anybody_is_refused(typed) -> None:
    assert parse_phone(typed) is None


@pytest.mark.parametrize(
    ("digits", "shown"),
    [
        ("5541900184470", "+55 41 90018-4470"),
        ("557180001234", "+55 71 8000-1234"),
        ("14155550123", "+1 415-555-0123"),
        ("1", "+1"),
    ],
)
def test_numbers_are_shown_as_people_write_them(digits, shown) -> None:
    assert format_phone(digits) == shown


@given(st.text(max_size=200))
def test_what_is_encrypted_comes_back_only_in_its_tenant_and_place(text) -> None:
    with tenant_scope(ONE):
        sealed = encrypt(text, "table|column")
        assert decrypt(sealed, "table|column") == text
        with pytest.raises(DecryptionError):
            decrypt(sealed, "table|other")
    with tenant_scope(TWO), pytest.raises(DecryptionError):
        decrypt(sealed, "table|column")


@pytest.mark.parametrize("broken", [b"", b"\x01", b"\x01\x02k1", b"\x01\x02zz" + b"0" * 40])
def test_altered_ciphertext_is_refused_in_words(broken) -> None:
    with tenant_scope(ONE), pytest.raises(DecryptionError, match=r"table\|column"):
        decrypt(broken, "table|column")


def test_the_same_number_has_unrelated_hashes_in_two_tenants() -> None:
    with tenant_scope(ONE):
        first = tenant_hmac("pn|5511900001234")
        assert first == tenant_hmac("pn|5511900001234")
    with tenant_scope(TWO):
        assert tenant_hmac("pn|5511900001234") != first


@given(st.datetimes(timezones=st.just(UTC)), st.integers(0, 2**63 - 1))
def test_cursors_come_back(at, pk) -> None:
    assert decode_cursor(encode_cursor(at, pk)) == (at, pk)


@given(st.text(max_size=80))
def test_a_made_up_cursor_is_an_error_that_names_the_field(text) -> None:
    with pytest.raises(Invalid) as caught:
        decode_cursor(f"!{text}")
    assert (caught.value.field, caught.value.code) == ("cursor", "invalid_cursor")


@pytest.mark.parametrize(
    "secret",
    [
        "+5511900001234",
        "5511900001234@s.whatsapp.net",
        "184512903377841@lid",
        "maria@example.com.br",
        "evs_live_abcdefgh_0123456789",
        "whsec_abcdef",
        "/hooks/evo/0199a000-0000-7000-8000-000000000001/SEGREDO1234",
        "ticket=abc.def",
    ],
)
def test_logs_mask_what_should_not_have_been_logged(secret) -> None:
    line = json.dumps(mask_values(None, "info", {"event": f"seen {secret}", "detail": secret}))
    assert secret not in line
    assert "seen" in line


def test_masking_leaves_times_and_ids_alone() -> None:
    assert mask("batch of 500 took 12 ms at 2025-11-15") == "batch of 500 took 12 ms at 2025-11-15"


def test_a_bucket_empties_and_says_when_it_refills(redis_db) -> None:
    decisions = [ratelimit.take("g:test", rate=3, per_seconds=60) for _ in range(4)]
    assert [decision.allowed for decision in decisions] == [True, True, True, False]
    assert [decision.remaining for decision in decisions] == [2, 1, 0, 0]
    assert 0 < decisions[-1].reset_seconds <= 20
    assert ratelimit.redis_client().keys("*test*") == [b"g:test"]


def test_limits_hold_with_redis_away(settings, monkeypatch) -> None:
    import redis

    def away():
        raise redis.ConnectionError

    monkeypatch.setattr(ratelimit, "redis_client", away)
    monkeypatch.setattr(ratelimit, "_local", {})
    allowed = [ratelimit.allow("g:test", rate=2, per_seconds=60) for _ in range(3)]
    assert allowed == [True, True, False]


def test_cache_keys_come_from_the_context_and_fail_without_one(redis_db) -> None:
    cache = caches["default"]
    with tenant_scope(ONE):
        cache.set("name", "one")
    with tenant_scope(TWO):
        assert cache.get("name") is None
        cache.set("name", "two")
    with tenant_scope(ONE):
        assert cache.get("name") == "one"
    with pytest.raises(NoTenantError):
        cache.get("name")
    caches["shared"].set("name", "shared")
    assert caches["shared"].get("name") == "shared"


def test_stream_tickets_are_refused_when_altered_or_old(monkeypatch) -> None:
    ticket = issue_ticket(tenant_id=ONE.id, user_id=7)
    assert read_ticket(ticket).tenant_id == ONE.id
    assert read_ticket(ticket[:-1] + ("A" if ticket[-1] != "A" else "B")) is None
    assert read_ticket("") is None
    from django.core import signing

    now = signing.time.time()
    monkeypatch.setattr(signing.time, "time", lambda: now + 61)
    assert read_ticket(ticket) is None
