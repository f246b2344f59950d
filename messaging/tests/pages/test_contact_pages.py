import re

import pytest

from evosense.core.schema import tenant_scope
from evosense.testing.pages import shows_number
from messaging.tests.factories import make_contact, make_conversation, make_identity

HTMX = {"HTTP_HX_REQUEST": "true"}
pytestmark = pytest.mark.usefixtures("tenant")


def page(client, url, status=200, **headers):
    response = client.get(url, **headers)
    assert response.status_code == status, response.content[:2000]
    return response.content.decode()


def url_of(contact):
    return f"/contatos/{contact.public_id}/"


def test_every_role_reads_contacts_and_strangers_log_in(client_for):
    from tenancy.tests.factories import anonymous_client

    assert anonymous_client().get("/contatos/").status_code == 302
    for role in ("viewer", "agent", "supervisor", "admin", "owner"):
        page(client_for(role), "/contatos/")


def test_list_says_what_to_expect_when_it_is_empty(client_for):
    client = client_for("agent")
    assert "empty" in page(client, "/contatos/")
    make_contact("Ana")
    assert "empty" in page(client, "/contatos/?q=ninguem")


def test_list_finds_by_name_and_number_and_masks(client_for):
    make_contact("Otávio Brandt", address="5541900184470")
    make_contact("Luana")
    html = page(client_for("agent"), "/contatos/?q=otavio", **HTMX)
    assert "Otávio" in html
    assert "90018-4470" in html
    assert "Luana" not in html
    assert "<html" not in html
    assert not shows_number(page(client_for("viewer"), "/contatos/?q=4470"), "5541900184470")


def test_list_pages(client_for):
    for number in range(35):
        make_contact(f"Pessoa {number}")
    client = client_for("agent")
    first = page(client, "/contatos/")
    assert first.count("data-item") == 30
    following = re.search(r'hx-get="([^"]*cursor=[^"]*)"', first)[1].replace("&amp;", "&")
    assert page(client, following, **HTMX).count("data-item") == 5


def test_a_wrong_filter_is_refused(client_for):
    page(client_for("agent"), "/contatos/?tipo=robo", 400)


def test_detail_shows_addresses_and_conversations(client_for):
    contact = make_contact("Ana", address="5541900184470")
    make_identity(contact, "lid", "998877665544")
    conversation = make_conversation(contact=contact)
    html = page(client_for("agent"), url_of(contact))
    for words in ("Ana", "90018-4470", "998877665544", str(conversation.public_id)):
        assert words in html
    masked = page(client_for("viewer"), url_of(contact))
    assert not shows_number(masked, "5541900184470")
    assert "998877665544" not in masked


def test_renaming_keeps_what_was_typed_when_it_is_refused(client_for):
    contact = make_contact("Ana")
    client = client_for("agent")
    response = client.post(f"{url_of(contact)}nome/", {"name": "Ana Paula"})
    assert response.status_code == 302
    assert "Ana Paula" in page(client, url_of(contact))
    long = client.post(f"{url_of(contact)}nome/", {"name": "x" * 201})
    assert long.status_code == 422
    assert "x" * 201 in long.content.decode()


def test_viewers_do_not_rename(client_for):
    contact = make_contact("Ana")
    client = client_for("viewer")
    assert client.post(f"{url_of(contact)}nome/", {"name": "B"}).status_code == 403
    assert "/nome/" not in page(client, url_of(contact))


def test_a_merged_contact_leads_to_the_one_that_stayed(client_for):
    stays = make_contact("Ana")
    gone = make_contact("Ana de novo", merged_into=stays)
    response = client_for("agent").get(url_of(gone))
    assert response.status_code == 302
    assert str(stays.public_id) in response["Location"]


def test_another_tenants_contact_does_not_exist(client_for, other_tenant):
    with tenant_scope(other_tenant):
        contact = make_contact("Segredo")
    client = client_for("owner")
    page(client, url_of(contact), 404)
    assert client.post(f"{url_of(contact)}nome/", {"name": "B"}).status_code == 404
    assert "Segredo" not in page(client, "/contatos/")


def test_hostile_names_stay_text(client_for):
    hostile = "<script>alert(1)</script>\u202e"
    contact = make_contact(hostile, push_name=hostile)
    client = client_for("admin")
    for url in ("/contatos/", url_of(contact)):
        html = page(client, url)
        assert "<script>alert" not in html
        assert "&lt;script&gt;" in html


def test_the_list_costs_the_same_whatever_it_shows(client_for, count_queries):
    make_contact("Ana")
    client = client_for("agent")
    page(client, "/contatos/")
    with count_queries() as few:
        page(client, "/contatos/")
    for number in range(10):
        make_contact(f"Pessoa {number}")
    with count_queries() as many:
        page(client, "/contatos/")
    assert len(many) == len(few)
