import pytest

from evosense.testing import browser


class Item:
    def __init__(self, *markers):
        self.markers = dict.fromkeys(markers, True)
        self.added = []

    def get_closest_marker(self, name):
        return self.markers.get(name)

    def add_marker(self, marker):
        self.added.append(marker)


@pytest.fixture
def no_browser(monkeypatch):
    monkeypatch.setattr(browser, "chromium", lambda: None)
    monkeypatch.delenv("CI", raising=False)


def test_only_browser_tests_are_skipped_and_say_why(no_browser):
    plain, marked = Item(), Item("browser")
    browser.pytest_collection_modifyitems([plain, marked])
    assert plain.added == []
    assert browser.REASON in marked.added[0].kwargs["reason"]


def test_the_build_machine_may_not_skip_them(no_browser, monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.UsageError, match="1 browser tests cannot run"):
        browser.pytest_collection_modifyitems([Item("browser")])


def test_with_a_browser_they_run(monkeypatch):
    monkeypatch.setattr(browser, "chromium", lambda: "/usr/bin/chromium")
    marked = Item("browser")
    browser.pytest_collection_modifyitems([marked])
    assert marked.added == []
