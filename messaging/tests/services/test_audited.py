"""People's acts on connections, contacts and raw events leave an entry, without secrets."""

import json

import pytest

from evosense.core.actor import Actor, acting
from evosense.core.errors import Conflict
from evosense.core.schema import public_scope
from messaging.services import connections, merges
from messaging.tests.factories import make_contact
from tenancy.audit_words import sentence_of
from tenancy.models import AuditEntry

ANA = Actor(kind="user", id="7", label="ana@aurora.example")


@pytest.fixture(autouse=True)
def _as_ana(tenant):
    with acting(ANA):
        yield


def entries():
    with public_scope():
        return list(AuditEntry.objects.order_by("number"))


def test_every_act_on_a_connection_is_noted_without_its_secrets():
    made = connections.create_connection(name="Loja", instance="loja-1", api_key="s3cr3t-api")
    public_id = made.connection.public_id
    connections.rename_connection(public_id, name="Loja Centro")
    connections.rename_connection(public_id, name="Loja Centro")
    rotated = connections.rotate_token(public_id)
    connections.set_active(public_id, is_active=False)
    connections.set_active(public_id, is_active=False)
    connections.set_active(public_id, is_active=True)
    found = entries()
    assert [entry.action for entry in found] == [
        "connection.created",
        "connection.renamed",
        "connection.token_rotated",
        "connection.closed",
        "connection.opened",
    ]
    text = json.dumps([[entry.changes, entry.object_label] for entry in found])
    for secret in (made.token, rotated.token, "s3cr3t-api"):
        assert secret not in text
    assert {entry.actor_label for entry in found} == {ANA.label}
    assert "Loja Centro" in sentence_of(found[1])


def test_a_refused_act_leaves_no_entry():
    connections.create_connection(name="Loja", instance="loja-1")
    with pytest.raises(Conflict):
        connections.create_connection(name="Loja", instance="loja-2")
    assert len(entries()) == 1


def test_merging_contacts_by_hand_is_noted_by_ids_alone():
    winner, loser = make_contact("Ana Secreta"), make_contact("Ana S.")
    merge = merges.merge_contacts(winner_id=winner.pk, loser_id=loser.pk, actor_user_id=7)
    merges.undo_merge(merge, actor_user_id=7)
    found = entries()
    assert [entry.action for entry in found] == ["contact.merged", "contact.unmerged"]
    assert "Secreta" not in json.dumps([[one.changes, one.object_label] for one in found])
