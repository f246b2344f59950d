from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from evosense.core.errors import Conflict, Invalid, NotFound
from evosense.testing.databases import ALPHA, BETA
from tenancy.models import ApiKey, Tenant
from tenancy.services.keys import create_key, revoke_key, verify_key


def make(**over):
    return create_key(**{"tenant_id": ALPHA.id, "name": "ci", "scopes": ["all"], **over})


def test_a_key_has_its_shape_and_only_its_hash_is_kept(tenant):
    row, key = make(scopes=["messages:read", "contacts:read", "messages:read"])
    assert key.startswith(f"evs_live_{row.public_part}_")
    assert len(key) == len("evs_live_") + 8 + 1 + 43 + 6
    assert row.scopes == ["messages:read", "contacts:read"]
    stored = ApiKey.objects.values().get()
    secret = key.split("_")[3]
    assert secret not in str(stored)
    assert stored["last_four"] == key[-4:]


def test_it_opens_its_own_tenant(tenant):
    row, key = make()
    assert verify_key(key) == row
    assert verify_key(key).tenant_id == tenant.id


def test_what_is_not_exactly_the_key_is_refused(tenant, count_queries):
    _row, key = make()
    flipped = key[:30] + ("a" if key[30] != "a" else "b") + key[31:]
    with count_queries() as statements:
        for wrong in ("", "evs_live_", key[:-1], key + "a", flipped, f" {key}", key.swapcase()):
            assert verify_key(wrong) is None
    assert statements == [], "a mistyped key is told by its checksum"


def test_a_well_formed_key_of_nobody_is_refused(tenant):
    row, key = make()
    row.delete()
    assert verify_key(key) is None


def test_another_secret_under_a_known_public_part_is_refused(tenant):
    row, _key = make()
    other, other_key = make(name="other")
    ApiKey.objects.filter(pk=other.pk).update(public_part="zzzzzzzz")
    ApiKey.objects.filter(pk=row.pk).update(public_part=other.public_part)
    assert verify_key(other_key) is None


def test_revoked_and_expired_keys_are_refused(tenant):
    _row, key = make(expires_at=timezone.now() + timedelta(minutes=1))
    assert verify_key(key)
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        assert verify_key(key) is None
    lasting, key = make(name="lasting")
    revoke_key(tenant_id=ALPHA.id, key_id=lasting.pk)
    revoke_key(tenant_id=ALPHA.id, key_id=lasting.pk)
    assert verify_key(key) is None


def test_keys_of_a_tenant_that_is_going_are_refused(tenant):
    """That one is suspended is told by the API itself, with a code: see test_restriction."""
    _row, key = make()
    Tenant.objects.filter(pk=ALPHA.id).update(state="deleting")
    assert verify_key(key) is None


def test_use_is_noted_once_a_minute(tenant, count_queries):
    row, key = make()
    with count_queries() as first:
        verify_key(key)
    with count_queries() as second:
        verify_key(key)
    assert (len(first), len(second)) == (2, 1)
    row.refresh_from_db()
    noted = row.last_used_at
    with time_machine.travel(noted + timedelta(seconds=61)):
        verify_key(key)
    row.refresh_from_db()
    assert row.last_used_at > noted


@pytest.mark.parametrize(
    ("over", "error", "field"),
    [
        ({"name": "  "}, Invalid, "name"),
        ({"name": "x" * 81}, Invalid, "name"),
        ({"scopes": []}, Invalid, "scopes"),
        ({"scopes": ["messages:burn"]}, Invalid, "scopes"),
    ],
)
def test_wrong_values_name_their_field(tenant, over, error, field):
    with pytest.raises(error) as raised:
        make(**over)
    assert raised.value.field == field


def test_a_name_is_taken_until_its_key_is_revoked(tenant):
    row, _key = make()
    with pytest.raises(Conflict) as raised:
        make()
    assert (raised.value.code, raised.value.field) == ("key_name_taken", "name")
    make(tenant_id=BETA.id)
    revoke_key(tenant_id=ALPHA.id, key_id=row.pk)
    make()


def test_a_tenant_cannot_revoke_anothers_key(tenant):
    row, key = make()
    with pytest.raises(NotFound):
        revoke_key(tenant_id=BETA.id, key_id=row.pk)
    assert verify_key(key)


def test_all_makes_other_scopes_needless(tenant):
    row, _key = make(scopes=["contacts:read", "all"])
    assert row.scopes == ["all"]
