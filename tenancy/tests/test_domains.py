"""Custom domains: who may claim what, what proves it, and what an unproved host gets."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client, override_settings
from django.utils import timezone

from evosense.core.errors import Conflict, DomainError, Invalid, LimitReached, NotFound
from evosense.core.schema import public_scope
from evosense.testing.databases import ALPHA, BETA
from evosense.testing.threads import run_threads
from tenancy.models import AuditEntry, Domain, RetiredName
from tenancy.selectors.hosts import forget_hosts, tenant_of_host
from tenancy.services import domains
from tenancy.tests import factories
from tenancy.tests.name_server import name_server

HOST = "chat.acme.example"


@pytest.fixture
def server():
    with name_server() as running, override_settings(DNS_SERVERS=[running.address]):
        yield running


def claim(tenant=ALPHA, host=HOST):
    return domains.add_domain(tenant.id, host=host)


def prove(server, *rows):
    server.texts[f"_evosense.{rows[0].domain}"] = ["v=spf1 -all", *(row.proof for row in rows)]


def active(server, tenant=ALPHA):
    domain = claim(tenant)
    prove(server, domain)
    return domains.verify_domain(tenant.id, domain.pk)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        (" Chat.ACME.example. ", HOST),
        ("São-Paulo.example", "xn--so-paulo-rza.example"),
        ("食狮.公司.cn", "xn--85x722f.xn--55qx5d.cn"),
    ],
)
def test_a_name_is_stored_as_the_dns_writes_it(typed, stored, public):
    assert claim(host=typed).domain == stored


@pytest.mark.parametrize(
    "typed",
    [
        "", "acme", "192.0.2.1", "::1", "https://acme.example/", "acme.example:8000", "a b.example",
        "*.acme.example", "-a.example", "a_b.example", "a..example", "x.localhost", "acme.local",
        f"{'a' * 64}.example", ".".join(["abcdefgh"] * 30), "acme.example/../x", "u@acme.example",
    ],
)  # fmt: skip
def test_what_is_no_host_name_is_refused_at_its_field(typed, public):
    with pytest.raises(Invalid) as caught:
        claim(host=typed)
    assert (caught.value.code, caught.value.field) == ("host_invalid", "host")


def test_our_own_names_and_retired_ones_are_not_given_out(public):
    RetiredName.objects.create(name="old.example")
    with override_settings(PUBLIC_HOST="app.house.example"):
        for host in ("app.house.example", "x.app.house.example", "house.example"):
            with pytest.raises(Conflict) as caught:
                claim(host=host)
            assert caught.value.code == "host_ours"
    with pytest.raises(Conflict) as caught:
        claim(host="old.example")
    assert caught.value.code == "host_retired"


def test_a_company_claims_a_name_once_and_only_so_many(public):
    claim()
    with pytest.raises(Conflict):
        claim()
    for number in range(domains.MOST - 1):
        claim(host=f"c{number}.acme.example")
    with pytest.raises(LimitReached):
        claim(host="more.acme.example")


def test_a_name_leads_to_the_company_only_after_its_proof(server, public):
    domain = claim()
    assert tenant_of_host(HOST) is None
    with pytest.raises(Invalid) as caught:
        domains.verify_domain(ALPHA.id, domain.pk)
    assert caught.value.code == "proof_missing"
    forget_hosts()
    assert tenant_of_host(HOST) is None
    prove(server, domain)
    domains.verify_domain(ALPHA.id, domain.pk)
    assert tenant_of_host(HOST).id == ALPHA.id
    assert server.asked == [f"_evosense.{HOST}"] * 2
    actions = AuditEntry.objects.filter(tenant_id=ALPHA.id).values_list("action", flat=True)
    assert {"domain.added", "domain.verified"} <= set(actions)
    domains.remove_domain(ALPHA.id, domain.pk)
    assert tenant_of_host(HOST) is None


def test_name_servers_that_do_not_answer_are_neither_yes_nor_no(server, public):
    domain = active(server)
    server.is_broken = True
    with pytest.raises(Conflict) as caught:
        domains.verify_domain(ALPHA.id, domain.pk)
    assert caught.value.code == "dns_away"
    Domain.objects.filter(pk=domain.pk).update(checked_at=timezone.now() - timedelta(days=8))
    assert domains.recheck_domains()["unknown"] == 1
    domain.refresh_from_db()
    assert (domain.state, domain.failures) == ("active", 0)


def test_of_two_claims_the_proof_decides_and_a_standing_one_is_not_taken(server, public):
    first, second = claim(ALPHA), claim(BETA)
    prove(server, second)
    with pytest.raises(Invalid):
        domains.verify_domain(ALPHA.id, first.pk)
    domains.verify_domain(BETA.id, second.pk)
    assert tenant_of_host(HOST).id == BETA.id
    # Both records: the name's owner has not taken the first away.
    prove(server, first, second)
    with pytest.raises(Conflict) as caught:
        domains.verify_domain(ALPHA.id, first.pk)
    assert caught.value.code == "host_taken"
    # Only the other: the name has changed hands.
    prove(server, first)
    domains.verify_domain(ALPHA.id, first.pk)
    assert tenant_of_host(HOST).id == ALPHA.id
    second.refresh_from_db()
    assert second.state == "lost"


def test_of_two_proofs_at_once_one_wins(committed, server):
    with public_scope():
        rows = {ALPHA: claim(ALPHA), BETA: claim(BETA)}
    prove(server, *rows.values())

    def verify(tenant):
        try:
            return domains.verify_domain(tenant.id, rows[tenant].pk)
        except Conflict as error:
            return error.code

    results = run_threads([lambda: verify(ALPHA), lambda: verify(BETA)] * 2)
    states = sorted(Domain.objects.filter(domain=HOST).values_list("state", flat=True))
    assert states == ["active", "pending"]
    assert "host_taken" in results


def test_a_proof_missing_three_times_loses_the_name(server, public):
    domain = active(server)
    assert domains.recheck_domains() == {"kept": 0, "missing": 0, "lost": 0, "unknown": 0}
    server.texts.clear()
    for expected in ("missing", "missing", "lost"):
        Domain.objects.filter(pk=domain.pk).update(checked_at=timezone.now() - timedelta(days=8))
        assert domains.recheck_domains()[expected] == 1
    assert tenant_of_host(HOST) is None
    prove(server, domain)
    assert domains.verify_domain(ALPHA.id, domain.pk).state == "active"


def test_one_failure_is_forgiven_when_the_proof_is_back(server, public):
    domain = active(server)
    texts, server.texts = server.texts, {}
    Domain.objects.filter(pk=domain.pk).update(checked_at=timezone.now() - timedelta(days=8))
    domains.recheck_domains()
    server.texts = texts
    Domain.objects.filter(pk=domain.pk).update(checked_at=timezone.now() - timedelta(days=2))
    assert domains.recheck_domains()["kept"] == 1
    domain.refresh_from_db()
    assert domain.failures == 0


def test_another_companys_name_cannot_be_checked_or_removed(server, public):
    domain = claim(BETA)
    for act in (domains.verify_domain, domains.remove_domain):
        with pytest.raises(NotFound):
            act(ALPHA.id, domain.pk)
    own = Domain.objects.get(tenant_id=ALPHA.id, is_custom=False)
    with pytest.raises(DomainError):
        domains.remove_domain(ALPHA.id, own.pk)


@override_settings(ALLOWED_HOSTS=[settings.PUBLIC_HOST, f".{settings.PUBLIC_HOST}"])
def test_only_proved_hosts_pass_the_list(server, public):
    claim(host="pending.acme.example")
    active(server)
    good = Client(HTTP_HOST=HOST).get("/entrar/")
    assert good.status_code == 200
    assert "domain" not in str(good.cookies).lower()
    for host in ("pending.acme.example", "evil.example", f"{HOST}.evil.example", f"x.{HOST}"):
        answer = Client(HTTP_HOST=host).get("/entrar/")
        assert answer.status_code in {400, 404}
        assert host.encode() not in answer.content
    assert Client(HTTP_HOST=HOST).get("/admin/").status_code == 404


def test_log_in_works_on_the_own_host_and_its_cookie_stays_there(server, public):
    active(server)
    member = factories.make_member("owner")
    browser = Client(HTTP_HOST=HOST)
    browser.force_login(member.user)
    assert browser.get("/conversas/").status_code == 200
    assert settings.SESSION_COOKIE_DOMAIN is None


def test_the_page_leads_through_it(server, tenant):
    owner = factories.client_for("owner")
    assert owner.get("/ajustes/dominios/").status_code == 200
    wrong = owner.post("/ajustes/dominios/", {"host": "https://x"})
    assert wrong.status_code == 422
    assert owner.post("/ajustes/dominios/", {"host": HOST}).status_code == 302
    domain = Domain.objects.get(domain=HOST)
    page = owner.get("/ajustes/dominios/").content.decode()
    assert f"_evosense.{HOST}" in page
    assert domain.proof in page
    owner.post(f"/ajustes/dominios/{domain.pk}/verificar/")
    domain.refresh_from_db()
    assert domain.state == "pending"
    prove(server, domain)
    owner.post(f"/ajustes/dominios/{domain.pk}/verificar/")
    domain.refresh_from_db()
    assert domain.state == "active"
    assert owner.post(f"/ajustes/dominios/{domain.pk}/remover/").status_code == 303
    assert not Domain.objects.filter(domain=HOST).exists()


def test_checks_are_limited(server, tenant, redis_db):
    owner = factories.client_for("owner")
    domain = claim()
    for _number in range(32):
        owner.post(f"/ajustes/dominios/{domain.pk}/verificar/")
    assert len(server.asked) == 30
