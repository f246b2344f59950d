"""People and roles in the settings: who may open what, refusals beside their field, few queries."""

import re

import pytest

from evosense.core.schema import public_scope
from evosense.testing.databases import ALPHA, BETA
from tenancy.models import (
    Invitation,
    Membership,
    Role,
)
from tenancy.recent import _PROVED_AT
from tenancy.tests.factories import client_of, make_member, make_role, make_user
from tenancy.tests.settings_help import HTMX, browser, page, prove, seats, send

pytestmark = pytest.mark.usefixtures("tenant", "_no_look_kept")


def test_the_index_shows_only_what_a_role_may_open():
    admin = page(browser("admin"), "/ajustes/")
    for path in ("pessoas", "papeis", "empresa", "marca", "seguranca", "chaves", "auditoria"):
        assert f'href="/ajustes/{path}/"' in admin
    supervisor = page(browser("supervisor"), "/ajustes/")
    assert 'href="/ajustes/pessoas/"' in supervisor
    assert 'href="/ajustes/chaves/"' not in supervisor


def test_an_index_without_settings_does_not_speak_of_a_search():
    html = page(browser("agent"), "/ajustes/")
    assert "data-group" not in html
    assert "data-none" not in html
    assert page(browser("admin"), "/ajustes/").count("data-none") == 2


def test_the_rail_offers_settings_only_to_whom_they_show_something():
    role = make_role("contacts.view")
    assert 'href="/ajustes/"' in page(browser("supervisor"), "/contatos/")
    assert 'href="/ajustes/"' not in page(browser("viewer", custom_role=role), "/contatos/")


def test_a_page_marks_itself_in_the_index():
    html = page(browser(), "/ajustes/pessoas/")
    assert re.search(r'href="/ajustes/pessoas/"[^>]*aria-current="page"', html)


# People


def test_people_are_listed_with_role_second_step_and_seats():
    seats(10)
    make_member("agent", user=make_user(name="Diego Antunes", email="diego@aurora.example"))
    html = page(browser(), "/ajustes/pessoas/")
    assert "Diego Antunes" in html
    assert "diego@aurora.example" in html
    assert "2" in re.search(r"<footer>.*?</footer>", html, re.DOTALL)[0]


def test_people_of_another_company_are_not_listed():
    make_member("agent", tenant=BETA, user=make_user(name="Beta Person"))
    assert "Beta Person" not in page(browser(), "/ajustes/pessoas/")


def test_search_finds_by_name_and_e_mail():
    make_member("agent", user=make_user(name="Diego Antunes"))
    make_member("agent", user=make_user(email="luana@aurora.example"))
    client = browser()
    headers = {**HTMX, "HTTP_HX_TARGET": "people"}
    html = page(client, "/ajustes/pessoas/?q=antunes", **headers)
    assert "Diego" in html
    assert "luana" not in html
    assert "<html" not in html
    assert "luana" in page(client, "/ajustes/pessoas/?q=LUANA", **headers)
    assert "empty" in page(client, "/ajustes/pessoas/?q=ninguem", **headers)


def test_people_come_in_pages_by_name():
    for number in range(55):
        make_member("agent", user=make_user(name=f"Person {number:02}"))
    client = browser(user=make_user(name="Zelda"))
    first = page(client, "/ajustes/pessoas/")
    assert first.count("data-item") == 50
    following = re.search(r'href="(\?[^"]*cursor=[^"]*)"', first)[1].replace("&amp;", "&")
    assert page(client, f"/ajustes/pessoas/{following}").count("data-item") == 6
    page(client, "/ajustes/pessoas/?cursor=wrong", 400)


def test_the_list_costs_the_same_for_one_and_for_many(count_queries):
    client = browser()
    page(client, "/ajustes/pessoas/")
    with count_queries() as few:
        page(client, "/ajustes/pessoas/")
    role = make_role("contacts.view")
    for number in range(10):
        make_member("agent" if number % 2 else "viewer", custom_role=None if number % 3 else role)
    with count_queries() as many:
        page(client, "/ajustes/pessoas/")
    assert len(many) == len(few)


def test_several_people_are_invited_at_once_and_refusals_stay_in_the_form():
    seats(10)
    client = browser()
    known = make_member("agent").user.email
    wide = f"{'x' * 60}@{'y.' * 110}example"
    written = f"ana@aurora.example, {wide}; BIA@aurora.example\n{known} nonsense"
    answer = send(client, "/ajustes/pessoas/convidar/", {"emails": written, "role": "agent"}, 422)
    html = answer.content.decode()
    assert known in html
    assert wide in html
    # Whoever was invited is named beside them, and the list behind is not shown stale.
    assert "ana@aurora.example, bia@aurora.example" in html
    assert 'href="/ajustes/pessoas/?aba=convites">' in html
    assert "nonsense" in html
    with public_scope():
        invited = set(Invitation.objects.values_list("email", flat=True))
    assert invited == {"ana@aurora.example", "bia@aurora.example"}
    # Sent again by a hasty hand: nothing doubles.
    again = send(
        client, "/ajustes/pessoas/convidar/", {"emails": "ana@aurora.example", "role": "agent"}, 422
    )
    assert "ana@aurora.example" in again.content.decode()
    with public_scope():
        assert Invitation.objects.count() == 2


def test_invitations_stop_at_the_last_seat():
    client = browser()
    seats(2)
    data = {"emails": "one@aurora.example two@aurora.example", "role": "agent"}
    send(client, "/ajustes/pessoas/convidar/", data, 422)
    with public_scope():
        assert Invitation.objects.count() == 1


@pytest.mark.parametrize("role", ["owner", "own-99", "", "emperor"])
def test_nobody_is_invited_with_a_role_that_cannot_be_given(role):
    seats(10)
    send(browser(), "/ajustes/pessoas/convidar/", {"emails": "a@b.example", "role": role}, 422)
    with public_scope():
        assert not Invitation.objects.exists()


def test_an_invitation_with_a_role_of_the_companys_own():
    seats(10)
    role = make_role("contacts.view", name="Só contatos")
    client = browser()
    data = {"emails": "ana@aurora.example", "role": f"own-{role.pk}"}
    send(client, "/ajustes/pessoas/convidar/", data)
    assert "Só contatos" in page(client, "/ajustes/pessoas/?aba=convites")


def test_an_invitation_is_taken_back_and_a_foreign_one_is_not_found():
    seats(10)
    client = browser()
    send(client, "/ajustes/pessoas/convidar/", {"emails": "ana@aurora.example", "role": "agent"})
    with public_scope():
        own = Invitation.objects.get()
        foreign = Invitation.objects.create(
            tenant_id=BETA.id,
            email="x@beta.example",
            role="agent",
            nonce="n",
            expires_at=own.expires_at,
        )
    for act in ("cancelar", "reenviar"):
        send(client, f"/ajustes/pessoas/convites/{foreign.pk}/{act}/", status=404)
    send(client, f"/ajustes/pessoas/convites/{own.pk}/cancelar/")
    send(client, f"/ajustes/pessoas/convites/{own.pk}/cancelar/", status=404)
    with public_scope():
        assert Invitation.objects.get(pk=foreign.pk).state == "open"
        assert Invitation.objects.get(pk=own.pk).state == "revoked"


def test_a_role_is_changed_and_the_last_change_is_named():
    agent = make_member("agent", user=make_user(name="Diego Antunes"))
    client = client_of(make_member("admin", user=make_user(name="Helena Prado")))
    send(client, f"/ajustes/pessoas/{agent.pk}/", {"role": "supervisor"})
    with public_scope():
        assert Membership.objects.get(pk=agent.pk).role == "supervisor"
    html = page(client, "/ajustes/pessoas/")
    assert "Helena Prado" in html
    assert "/ajustes/auditoria/?acao=member" in html


def test_refusals_of_a_role_are_said_on_the_page():
    owner = make_member("owner")
    client = client_of(owner)
    html = send(client, f"/ajustes/pessoas/{owner.pk}/", {"role": "agent"}, 422).content.decode()
    assert 'role="alert"' in html
    agent = make_member("agent")
    send(client_of(make_member("admin")), f"/ajustes/pessoas/{agent.pk}/", {"role": "owner"}, 422)


def test_a_supervisor_reads_people_and_changes_nobody():
    agent = make_member("agent")
    client = browser("supervisor")
    assert "<select" not in page(client, f"/ajustes/pessoas/{agent.pk}/")
    send(client, f"/ajustes/pessoas/{agent.pk}/", {"role": "viewer"}, 403)
    send(client, f"/ajustes/pessoas/{agent.pk}/desativar/", status=403)


def test_another_companys_people_are_not_found():
    stranger = make_member("agent", tenant=BETA)
    client = browser("owner")
    base = f"/ajustes/pessoas/{stranger.pk}/"
    page(client, base, 404)
    page(client, f"{base}desativar/", 404)
    for act in ("", "desativar/", "reativar/", "dono/"):
        send(client, base + act, {"role": "viewer"}, 404)


def test_ownership_goes_over_after_a_fresh_proof_only():
    heir = make_member("admin")
    owner = make_member("owner")
    client = client_of(owner)
    session = client.session
    session[_PROVED_AT] = 0
    session.save()
    answer = client.post(f"/ajustes/pessoas/{heir.pk}/dono/")
    assert answer["Location"].startswith("/conta/confirmar/")
    prove(client)
    send(client, f"/ajustes/pessoas/{heir.pk}/dono/")
    with public_scope():
        roles = {m.pk: m.role for m in Membership.objects.filter(tenant_id=ALPHA.id)}
    assert (roles[heir.pk], roles[owner.pk]) == ("owner", "admin")


def test_somebody_is_deactivated_and_comes_back():
    agent = make_member("agent", user=make_user(name="Diego Antunes"))
    theirs, client = client_of(agent), browser()
    page(theirs, "/contatos/")
    assert "Diego" in page(client, f"/ajustes/pessoas/{agent.pk}/desativar/")
    send(client, f"/ajustes/pessoas/{agent.pk}/desativar/")
    page(theirs, "/contatos/", 404)
    send(client, f"/ajustes/pessoas/{agent.pk}/desativar/", status=422)
    assert "Diego" in page(client, "/ajustes/pessoas/?aba=desativadas")
    seats(1)
    send(client, f"/ajustes/pessoas/{agent.pk}/reativar/")
    with public_scope():
        assert not Membership.objects.get(pk=agent.pk).is_active
    seats(3)
    send(client, f"/ajustes/pessoas/{agent.pk}/reativar/")
    page(theirs, "/contatos/")


# Roles


def test_the_matrix_names_every_role_and_who_has_it():
    make_role("contacts.view", name="Só contatos")
    html = page(browser("supervisor"), "/ajustes/papeis/")
    assert "Só contatos" in html
    assert "Criar" not in html or "/ajustes/papeis/novo/" not in html


def test_a_role_is_made_changed_and_deleted():
    client = browser()
    data = {"name": "Noite", "permissions": ["contacts.edit"]}
    send(client, "/ajustes/papeis/novo/", data)
    send(client, "/ajustes/papeis/novo/", data, 422)
    with public_scope():
        role = Role.objects.get()
    assert role.permissions == ["contacts.edit", "contacts.view"]
    url = f"/ajustes/papeis/{role.pk}/"
    assert "checked" in page(client, url)
    send(client, url, {"name": "Noite", "permissions": ["connections.view"]})
    member = make_member("viewer", custom_role=role)
    page(client_of(member), "/conexoes/")
    page(client_of(member), "/contatos/", 403)
    send(client, f"{url}excluir/", status=422)
    send(client, f"{url}excluir/", {"successor": "agent"})
    page(client_of(member), "/contatos/")
    page(client, url, 404)


def test_a_copy_begins_with_what_the_copied_role_may_do():
    html = page(browser(), "/ajustes/papeis/novo/?de=supervisor")
    assert re.search(r'value="contacts.merge" checked', html)
    assert not re.search(r'value="keys.manage" checked', html)
    page(browser(), "/ajustes/papeis/novo/?de=nobody", 400)


def test_a_role_beyond_ones_own_is_refused_beside_the_form():
    narrow = make_role("members.view", "members.manage")
    client = browser(custom_role=narrow)
    data = {"name": "Chaves", "permissions": ["keys.manage"]}
    send(client, "/ajustes/papeis/novo/", data, 422)
    with public_scope():
        assert Role.objects.count() == 1


def test_another_companys_role_is_not_found():
    foreign = make_role("contacts.view", tenant=BETA)
    client = browser("owner")
    for path in ("", "excluir/"):
        page(client, f"/ajustes/papeis/{foreign.pk}/{path}", 404)
        send(client, f"/ajustes/papeis/{foreign.pk}/{path}", {"name": "x"}, 404)


def test_the_matrix_costs_the_same_for_one_role_and_for_many(count_queries):
    client = browser()
    make_role("contacts.view")
    page(client, "/ajustes/papeis/")
    with count_queries() as few:
        page(client, "/ajustes/papeis/")
    for _number in range(8):
        make_member("viewer", custom_role=make_role("contacts.view"))
    with count_queries() as many:
        page(client, "/ajustes/papeis/")
    assert len(many) == len(few)
