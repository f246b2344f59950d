from types import SimpleNamespace

import pytest
from django.test import RequestFactory
from django.urls import path

from evosense.core import shell
from evosense.core.shell import NavItem

urlpatterns = [
    path("a/", lambda request: None, name="a"),
    path("b/", lambda request: None, name="b"),
    path("b/count", lambda request: None, name="b-count"),
]


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch, settings):
    settings.ROOT_URLCONF = __name__
    monkeypatch.setattr(shell, "_items", {})
    monkeypatch.setattr(shell, "_links", {"logout": "a", "elsewhere": "not-on-this-host"})


def request(**over):
    made = RequestFactory().get("/")
    for name, value in over.items():
        setattr(made, name, value)
    return made


def test_entries_come_in_order_and_by_permission():
    shell.register_nav(NavItem("b", "b", "B", "chat", order=20, permission="b.view"))
    shell.register_nav(NavItem("a", "a", "A", "home", order=10))
    assert [link.key for link in shell.build_nav((), "")] == ["a"]
    assert [link.key for link in shell.build_nav({"b.view"}, "")] == ["a", "b"]


def test_registering_again_replaces():
    shell.register_nav(NavItem("a", "a", "Old", "home"))
    shell.register_nav(NavItem("a", "a", "New", "home"))
    assert [link.label for link in shell.build_nav((), "")] == ["New"]


def test_an_entry_is_current_on_its_pages_only():
    shell.register_nav(NavItem("a", "a", "A", "home"))
    shell.register_nav(NavItem("b", "b", "B", "chat", current_for=("messaging:conversation-",)))
    current = [
        link.key for link in shell.build_nav((), "messaging:conversation-detail") if link.is_current
    ]
    assert current == ["b"]
    assert [link.key for link in shell.build_nav((), "a") if link.is_current] == ["a"]


def test_pages_of_another_host_are_left_out():
    shell.register_nav(NavItem("x", "not-on-this-host", "X", "home"))
    made = shell.shell(request())["shell"]
    assert made.nav == []
    assert made.links == {"logout": "/a/"}


def test_a_counter_is_fetched_by_the_page():
    shell.register_nav(NavItem("b", "b", "B", "chat", count_url_name="b-count"))
    assert shell.build_nav((), "")[0].count_url == "/b/count"


def test_a_request_that_no_middleware_touched_gets_a_frame():
    made = shell.shell(request())["shell"]
    assert (made.theme, made.density, made.rail, made.base) == ("", "", "", "base_public.html")


def test_appearance_comes_from_cookies_and_nothing_else_gets_in():
    made = request()
    made.COOKIES = {"theme": "dark", "density": "compact", "rail": '"><script>'}
    context = shell.shell(made)["shell"]
    assert (context.theme, context.density, context.rail) == ("dark", "compact", "")
    made.COOKIES = {"theme": "neon"}
    assert shell.shell(made)["shell"].theme == ""


def test_a_member_brings_the_theme_along():
    made = request(membership=object(), user=SimpleNamespace(theme="dark"))
    assert shell.shell(made)["shell"].theme == "dark"
    assert shell.shell(made)["shell"].base == "base_app.html"
