"""A proxy orders certificates only for hosts that are served here."""

import pytest
from django.conf import settings
from django.test import Client, override_settings

from tenancy.selectors.hosts import forget_hosts
from tenancy.tests.name_server import name_server
from tenancy.tests.test_domains import HOST, active, claim
from tenancy.views import certificates


def asked(domain, **more):
    return Client().get("/tls/ask", {"domain": domain}, headers={"host": "10.0.0.7:8000"}, **more)


def test_only_served_hosts_get_a_certificate(public):
    claim()
    assert asked(HOST).status_code == 404, "claimed is not proved"
    for host in ("", "evil.example", f"nobody.{settings.PUBLIC_HOST}"):
        assert asked(host).status_code == 404
    for host in (settings.PUBLIC_HOST, settings.MEDIA_HOST, f"alpha.{settings.PUBLIC_HOST}"):
        assert asked(host).status_code == 200


def test_a_proved_name_gets_one(public):
    with name_server() as server, override_settings(DNS_SERVERS=[server.address]):
        active(server)
    forget_hosts()
    assert asked(f"{HOST}.".upper()).status_code == 200


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111"])
def test_outsiders_find_no_such_page(public, settings, address):
    assert asked(settings.PUBLIC_HOST, REMOTE_ADDR=address).status_code == 404
    settings.TRUSTED_PROXIES = 1
    through = {"REMOTE_ADDR": "10.0.0.2", "HTTP_X_FORWARDED_FOR": address}
    assert asked(settings.PUBLIC_HOST, **through).status_code == 404
    assert asked(settings.PUBLIC_HOST, REMOTE_ADDR="fd00::7").status_code == 200


def test_strange_names_are_slowed_down_and_the_house_is_not(public, redis_db, monkeypatch):
    monkeypatch.setattr(certificates, "ASKED_A_MINUTE", 3)
    answers = [asked(f"n{number}.example").status_code for number in range(4)]
    assert answers == [404, 404, 404, 429]
    assert asked(settings.PUBLIC_HOST).status_code == 200
