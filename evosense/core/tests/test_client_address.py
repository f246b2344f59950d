"""Who asks: a stranger's headers do not change it."""

import pytest
from django.test import RequestFactory

from evosense.core.client_address import client_address, limit_address, pick_address

PEER = "10.1.2.3"
FORGED = {
    "HTTP_X_FORWARDED_FOR": "6.6.6.6",
    "HTTP_FORWARDED": "for=6.6.6.6;host=evil.example",
    "HTTP_X_REAL_IP": "6.6.6.6",
    "HTTP_X_CLIENT_IP": "6.6.6.6",
    "HTTP_TRUE_CLIENT_IP": "6.6.6.6",
    "HTTP_CF_CONNECTING_IP": "6.6.6.6",
}


def test_without_proxies_no_header_changes_the_address(settings) -> None:
    settings.TRUSTED_PROXIES = 0
    request = RequestFactory().get("/", REMOTE_ADDR=PEER, **FORGED)
    assert client_address(request) == PEER


def test_with_proxies_only_what_they_appended_counts(settings) -> None:
    headers = {**FORGED, "HTTP_X_FORWARDED_FOR": "6.6.6.6, 7.7.7.7, 203.0.113.9"}
    settings.TRUSTED_PROXIES = 1
    assert client_address(RequestFactory().get("/", REMOTE_ADDR=PEER, **headers)) == "203.0.113.9"
    settings.TRUSTED_PROXIES = 2
    assert client_address(RequestFactory().get("/", REMOTE_ADDR=PEER, **headers)) == "7.7.7.7"


@pytest.mark.parametrize(
    ("forwarded", "proxies", "found"),
    [
        ([], 1, PEER),
        (["", " "], 1, PEER),
        (["unknown"], 1, PEER),
        (["198.51.100.7"], 2, "198.51.100.7"),
        (["198.51.100.7:4711"], 1, "198.51.100.7"),
        (["[2001:db8::1]:4711"], 1, "2001:db8::1"),
        (["2001:DB8:0::1"], 1, "2001:db8::1"),
        (["::ffff:198.51.100.7"], 1, "198.51.100.7"),
        (["198.51.100.7\r\nX: y"], 1, PEER),
        (["198.51.100.7' OR 1=1"], 1, PEER),
    ],
)
def test_odd_entries_are_read_or_fall_back_to_the_peer(forwarded, proxies, found) -> None:
    assert pick_address(PEER, forwarded, proxies=proxies) == found


def test_a_socket_without_an_address_is_unknown() -> None:
    assert pick_address("", [], proxies=0) == ""
    assert pick_address("unix:", [], proxies=0) == ""


def test_limits_count_a_network_where_a_client_has_many_addresses() -> None:
    assert limit_address("198.51.100.7") == "198.51.100.7"
    assert limit_address("2001:db8:1:2:3:4:5:6") == limit_address("2001:db8:1:2::9")
    assert limit_address("2001:db8:1:2::1") != limit_address("2001:db8:1:3::1")
    assert limit_address("") == ""
