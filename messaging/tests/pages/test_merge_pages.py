import pytest

from evosense.core.schema import tenant_scope
from messaging.models import ContactMerge
from messaging.tests.factories import make_contact, make_conversation, make_message

pytestmark = pytest.mark.usefixtures("tenant")


def url_of(contact):
    return f"/contatos/{contact.public_id}/"


def page(client, url, status=200, **headers):
    response = client.get(url, **headers)
    assert response.status_code == status, response.content[:2000]
    return response.content.decode()


def test_merging_shows_both_then_moves_and_can_be_undone(client_for):
    stays, goes = make_contact("Ana Souza"), make_contact("Ana S.")
    make_message(make_conversation(contact=goes))
    client = client_for("supervisor")
    merge = f"{url_of(stays)}unir/"
    assert merge in page(client, url_of(stays))
    found = page(client, f"{merge}?q=ana", HTTP_HX_REQUEST="true")
    assert f"?outro={goes.public_id}" in found
    assert str(stays.public_id) not in found
    confirm = page(client, f"{merge}?outro={goes.public_id}")
    assert "Ana S." in confirm
    assert "Ana Souza" in confirm
    body = {"other": str(goes.public_id), "reason": "mesma pessoa"}
    assert client.post(merge, body).status_code == 302
    detail = page(client, url_of(stays))
    assert "mesma pessoa" in detail
    undo = f"{url_of(stays)}unioes/{ContactMerge.objects.get().pk}/desfazer/"
    assert undo in detail
    assert client.post(undo).status_code == 302
    assert undo not in page(client, url_of(stays))
    assert "Ana S." in page(client, url_of(goes))


def test_a_repeated_form_merges_once(client_for):
    stays, goes = make_contact("Ana Souza"), make_contact("Ana S.")
    client = client_for("supervisor")
    body = {"other": str(goes.public_id)}
    assert client.post(f"{url_of(stays)}unir/", body).status_code == 302
    assert client.post(f"{url_of(stays)}unir/", body).status_code == 302
    assert ContactMerge.objects.count() == 1


def test_a_long_reason_is_refused_and_kept(client_for):
    stays, goes = make_contact("Ana Souza"), make_contact("Ana S.")
    body = {"other": str(goes.public_id), "reason": "x" * 25}
    response = client_for("supervisor").post(f"{url_of(stays)}unir/", body)
    assert response.status_code == 422
    assert "x" * 25 in response.content.decode()
    assert not ContactMerge.objects.exists()


def test_agents_do_not_merge(client_for):
    stays, goes = make_contact("Ana Souza"), make_contact("Ana S.")
    client = client_for("agent")
    assert "/unir/" not in page(client, url_of(stays))
    page(client, f"{url_of(stays)}unir/", 403)
    body = {"other": str(goes.public_id)}
    assert client.post(f"{url_of(stays)}unir/", body).status_code == 403


def test_contacts_of_another_tenant_cannot_be_merged(client_for, other_tenant):
    with tenant_scope(other_tenant):
        foreign = make_contact("Segredo")
    stays = make_contact("Ana")
    client = client_for("owner")
    page(client, f"{url_of(stays)}unir/?outro={foreign.public_id}", 404)
    assert (
        client.post(f"{url_of(stays)}unir/", {"other": str(foreign.public_id)}).status_code == 404
    )
    page(client, f"{url_of(stays)}unir/?outro=x", 400)
