"""A proxy orders certificates only for hosts that are served here."""

from django.conf import settings
from django.test import Client, override_settings

from tenancy.selectors.hosts import forget_hosts
from tenancy.tests.name_server import name_server
from tenancy.tests.test_domains import HOST, active, claim


def asked(domain, **headers):
    return Client().get(
        "/tls/ask", {"domain": domain}, headers={"host": "10.0.0.7:8000", **headers}
    )


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
