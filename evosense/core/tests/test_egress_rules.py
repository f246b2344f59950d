"""Which addresses the egress door lets through, whatever way they are written."""

import ipaddress

import pytest
from django.conf import settings

from evosense.core.egress.addresses import is_allowed
from evosense.core.egress.errors import EgressBlocked, EgressFailed
from evosense.core.egress.policy import Policy, read_policy
from evosense.core.egress.target import find_addresses, read_url
from evosense.core.http import check_url
from evosense.env import Environment

PRODUCTION = Policy()
# fmt: off
BAD = [
    "0.0.0.0",  # noqa: S104
    "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254",
    "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1",
    "192.88.99.1", "192.168.1.1", "198.18.0.1", "203.0.113.5", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "::1", "::", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1",
    "2002:7f00:1::", "fc00::1", "fd00:ec2::254", "fe80::1", "ff02::1", "fec0::1", "2001::1",
    "2001:db8::1", "3fff::1", "5f00::1", "::127.0.0.1", "2002:808:808::", "168.63.129.16",
]
# fmt: on
GOOD = ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
LOOPBACK_SPELLED = [
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "①②⑦.⓪.⓪.①",
    "[::ffff:127.0.0.1]",
    "0x7f.1",
    "[0:0:0:0:0:ffff:7f00:1]",
    "127.0.0.1.",
]


@pytest.mark.parametrize("address", BAD)
def test_what_is_not_the_public_internet_is_refused(address) -> None:
    assert len(BAD) >= 29
    assert not is_allowed(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", GOOD)
def test_public_addresses_pass(address) -> None:
    assert is_allowed(ipaddress.ip_address(address))


def addresses_of(url: str) -> list[str]:
    target = read_url(url, PRODUCTION)
    return find_addresses(target.host, target.port, PRODUCTION)


@pytest.mark.parametrize("host", LOOPBACK_SPELLED)
def test_no_spelling_of_loopback_passes(host) -> None:
    with pytest.raises(EgressBlocked) as refusal:
        addresses_of(f"https://{host}/")
    assert refusal.value.code in {"address_refused", "url_invalid"}


def test_the_operator_opens_networks_but_never_the_machines_credentials() -> None:
    everything = [ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")]
    assert is_allowed(ipaddress.ip_address("10.1.2.3"), everything)
    assert is_allowed(ipaddress.ip_address("::ffff:10.1.2.3"), everything)
    for address in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254"):
        assert not is_allowed(ipaddress.ip_address(address), everything)
    for wrapped in ("::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::"):
        assert not is_allowed(ipaddress.ip_address(wrapped), everything)


def test_one_bad_record_spoils_the_name() -> None:
    with pytest.raises(EgressBlocked):
        find_addresses("mixed.example", 443, PRODUCTION, lambda *_: ["8.8.8.8", "10.0.0.1"])


def test_a_name_is_asked_for_with_a_dot_so_that_search_domains_stay_out() -> None:
    asked = []

    def resolver(name: str, _port: int) -> list[str]:
        asked.append(name)
        return ["8.8.8.8"]

    find_addresses("vault", 443, PRODUCTION, resolver)
    assert asked == ["vault."]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "url_invalid"),
        ("example.com", "url_invalid"),
        ("//example.com", "url_invalid"),
        ("https://", "url_invalid"),
        ("https:///path", "url_invalid"),
        ("https://exa mple.com/", "url_invalid"),
        ("https://example.com\\@10.0.0.1/", "url_invalid"),
        ("https://example.com/\r\nHost: x", "url_invalid"),
        ("https://example.com:99999999/", "url_invalid"),
        (f"https://example.com/{'x' * 3000}", "url_invalid"),
        ("http://example.com/", "scheme_refused"),
        ("ftp://example.com/", "scheme_refused"),
        ("file:///etc/passwd", "url_invalid"),
        ("gopher://example.com/", "scheme_refused"),
        ("https://user:secret@example.com/", "userinfo_refused"),
        ("https://example.com:22/", "port_refused"),
        ("https://example.com:6379/", "port_refused"),
    ],
)
def test_addresses_that_are_refused_before_any_look_up(url, code) -> None:
    with pytest.raises(EgressBlocked) as refusal:
        read_url(url, PRODUCTION)
    assert refusal.value.code == code
    assert str(refusal.value.reason)


def test_what_the_form_saves_is_checked_by_address_and_tolerates_unknown_names(settings) -> None:
    settings.EGRESS = PRODUCTION
    check_url("https://no-such-name.invalid/webhook")
    for url in (
        "https://localhost/",
        "https://127.1/",
        "https://[::1]/",
        "https://169.254.169.254/",
    ):
        with pytest.raises(EgressBlocked):
            check_url(url)
    with pytest.raises(EgressBlocked):
        check_url("https://2130706433/", look_up=False)


def test_local_settings_let_the_simulator_in() -> None:
    assert settings.EGRESS.plain_http
    check_url("http://127.0.0.1:8099")


def test_a_listed_place_may_be_internal_and_plain_but_no_other_port_of_it() -> None:
    policy = Policy(places=frozenset({("evolution", 8080)}))
    target = read_url("http://evolution:8080/", policy)
    asked = []
    resolver = lambda name, _port: asked.append(name) or ["172.18.0.5"]  # noqa: E731
    assert find_addresses(target.host, target.port, policy, resolver) == ["172.18.0.5"]
    assert asked == ["evolution"]
    with pytest.raises(EgressBlocked):
        read_url("http://evolution:6379/", policy)
    with pytest.raises(EgressBlocked):
        find_addresses("evolution", 443, policy, resolver)
    with pytest.raises(EgressBlocked):
        find_addresses("evolution", 8080, policy, lambda *_: ["169.254.169.254"])


def read(monkeypatch, *, is_saas: bool = False, **variables: str) -> tuple[Policy, list[str]]:
    for name in ("ALLOW", "PORTS", "HTTP"):
        monkeypatch.delenv(f"EVOSENSE_EGRESS_{name}", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(f"EVOSENSE_EGRESS_{name}", value)
    env = Environment()
    policy = read_policy(env, is_saas=is_saas)
    return policy, env._problems


def test_the_operators_settings_are_read_and_shown(monkeypatch) -> None:
    policy, problems = read(monkeypatch, ALLOW="10.0.0.0/8, evolution:8080", PORTS="443,8443")
    assert not problems
    assert policy.opened == "10.0.0.0/8, evolution:8080"
    assert policy.ports == {443, 8443}
    assert read(monkeypatch)[0] == PRODUCTION


@pytest.mark.parametrize(
    ("variables", "is_saas"),
    [
        ({"ALLOW": "10.0.0.0/99"}, False),
        ({"ALLOW": "evolution"}, False),
        ({"ALLOW": "evolution:99999"}, False),
        ({"PORTS": "443,http"}, False),
        ({"PORTS": "0"}, False),
        ({"HTTP": "maybe"}, False),
        ({"ALLOW": "10.0.0.0/8"}, True),
        ({"ALLOW": "evolution:8080"}, True),
    ],
)
def test_what_cannot_be_meant_stops_the_start(monkeypatch, variables, is_saas) -> None:
    _policy, problems = read(monkeypatch, is_saas=is_saas, **variables)
    assert len(problems) == 1
    assert "EVOSENSE_EGRESS_" in problems[0]


def test_a_name_without_addresses_is_unknown() -> None:
    with pytest.raises(EgressFailed):
        find_addresses("empty.example", 443, PRODUCTION, lambda *_: [])
