"""What other products of this kind let happen, asked of every door here (N3, N4, N6)."""

import itertools

import pytest
from django.test import Client

from evosense.core.schema import public_scope
from tenancy.models import Membership, SignUp, Tenant, User
from tenancy.tests import factories

pytestmark = pytest.mark.usefixtures("tenant", "redis_db")
INJECTIONS = (
    "' OR 1=1 --",
    "1' UNION SELECT password FROM tenancy_user --",
    '"; DROP TABLE messaging_message; --',
    "2026-01-01' AND pg_sleep(5)::text='",
    "{{ settings.SECRET_KEY }}",
    "%00%27\x01",
)
FILTERS = {
    "/conversas/": ("q", "cursor", "conexao", "estado"),
    "/contatos/": ("q", "cursor", "ordem"),
    "/ajustes/auditoria/": ("de", "ate", "quem", "acao", "cursor"),
    "/ajustes/pessoas/": ("q", "pagina", "aba"),
}


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"password": ""},
        {"password": " "},
        {"password": "null"},
        {"password": "\x00"},
        {"password": ["a", "b"]},
        {"password[$ne]": "1"},
        {"password": "x" * 100_000},
    ],
    ids=str,
)
def test_n3_no_odd_password_lets_anybody_in(form) -> None:
    member = factories.make_member("owner")
    empty = factories.make_member("agent")
    with public_scope():
        User.objects.filter(pk=empty.user.pk).update(password="")
    for email in (member.user.email, empty.user.email):
        client = factories.anonymous_client()
        with_email = {"email": email, **form}
        answer = client.post("/entrar/", with_email)
        assert answer.status_code in {200, 400, 403, 422, 429}
        assert client.get("/").status_code == 302


def test_n4_signing_up_chooses_neither_company_nor_role_nor_plan(settings, tenant) -> None:
    client = Client(HTTP_HOST=settings.PUBLIC_HOST)
    wish = {
        "name": "Loja Nova",
        "company": "Loja Nova",
        "slug": tenant.slug,
        "person": "Ana Prado",
        "email": "ana@example.com",
        "password": "longa o bastante 91",
        "terms": "on",
        "tenant": str(tenant.id),
        "tenant_id": str(tenant.id),
        "role": "owner",
        "plan": "scale",
        "is_staff": "1",
        "is_superuser": "1",
        "status": "active",
    }
    with public_scope():
        members = Membership.objects.filter(tenant_id=tenant.id).count()
        plans = list(Tenant.objects.order_by("pk").values_list("plan", "status"))
    for path in ("/criar-conta/", "/"):
        client.post(path, wish)
    with public_scope():
        assert Membership.objects.filter(tenant_id=tenant.id).count() == members
        assert list(Tenant.objects.order_by("pk").values_list("plan", "status")) == plans
        assert not SignUp.objects.filter(slug=tenant.slug).exists()
        assert not User.objects.filter(is_staff=True).exists()


def test_forms_take_the_fields_that_they_show_and_no_others(tenant) -> None:
    member = factories.make_member("viewer")
    client = factories.client_of(member)
    more = {
        "role": "owner",
        "tenant": "0199a000-0000-7000-8000-000000000002",
        "is_staff": "1",
        "is_superuser": "1",
        "email": "other@example.com",
        "password": "longa o bastante 91",
    }
    for path in ("/conta/", "/conta/perfil/", "/conta/preferencias/"):
        client.post(path, {"name": "Ana", "locale": "pt-br", "theme": "dark", **more})
    with public_scope():
        user = User.objects.get(pk=member.user.pk)
        assert (user.is_staff, user.is_superuser) == (False, False)
        assert (user.email, user.password) == (member.user.email, member.user.password)
        kept = Membership.objects.get(pk=member.pk)
        assert (kept.role, kept.tenant_id) == ("viewer", tenant.id)


@pytest.mark.parametrize("path", FILTERS)
def test_n6_filters_bind_or_refuse_what_they_are_given(path) -> None:
    client = factories.client_for("owner")
    for name, value in itertools.product(FILTERS[path], INJECTIONS):
        answer = client.get(path, {name: value})
        assert answer.status_code in {200, 302, 400, 404, 422}, (name, value)
        assert b"argon2" not in answer.content
        assert b"md5$" not in answer.content
