"""The page's own script in a real browser: pages are rendered here, no server and no database."""

import mimetypes
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles import finders
from django.template import RequestContext, engines
from django.test import RequestFactory, override_settings
from django.utils import translation
from django_cotton.compiler_regex import CottonCompiler
from playwright.sync_api import expect, sync_playwright

from evosense.core import views_dev
from evosense.testing.axe import axe_violations

pytestmark = pytest.mark.browser

CHROMIUM = Path("/usr/bin/chromium")
HOME = "http://aurora.test"
# Only what the stream script touches; events are fired by the test.
FAKE_STREAM = """
window.streams = [];
window.EventSource = class {
  constructor(url) { this.url = url; this.on = {}; streams.push(this); }
  addEventListener(name, act) { (this.on[name] ??= []).push(act); }
  close() { this.closed = true; }
  fire(name, data = {}, id = "") {
    for (const act of this.on[name] ?? []) act({ data: JSON.stringify(data), lastEventId: id });
  }
};
"""
BODY = """{% extends "base_app.html" %}{% load ui %}{% block main %}<h1>Frame</h1>
<c-search name="q" label="Find" shortcut="/" />
<c-live id="region" url="/region" on="messages:c1 contacts">start</c-live>
<div data-list><a data-item href="#1">one</a> <a data-item href="#2">two</a></div>
<form hx-post="/good" hx-target="#out"><c-button type="submit" id="good">Save</c-button></form>
<form hx-post="/bad" hx-target="#out"><c-button type="submit" id="bad">Save</c-button></form>
<form hx-post="/broken" hx-target="#out"><c-button type="submit" id="broken">Save</c-button></form>
<c-button id="delete" hx-post="/good" hx-target="#out" hx-confirm="They go for good."
 data-confirm-title="Delete 3 tags" data-confirm-yes="Delete 3">Delete</c-button>
<form id="kept" data-controller="keep"><c-textarea name="note" label="Note" /></form>
<c-combobox name="who" label="Who" :options="people" />
<c-button id="opener" popovertarget="menu">Menu</c-button>
<c-menu id="menu"><button type="button">A</button><button type="button">B</button></c-menu>
{% ago now %}<div id="out"></div>{% endblock %}"""


class House:
    """Answers the browser: two pages, a few fragments, static files from the finders."""

    def __init__(self):
        self.fetched = 0
        self.pages = {"/": page_html(BODY), "/sheet": sheet_html()}

    def answer(self, route):
        path = urlsplit(route.request.url).path
        if path in self.pages:
            route.fulfill(body=self.pages[path], content_type="text/html; charset=utf-8")
        elif path.startswith("/static/"):
            found = finders.find(path.removeprefix("/static/"))
            kind = mimetypes.guess_type(path)[0] or "text/plain"
            route.fulfill(body=Path(found).read_bytes(), content_type=kind)
        else:
            self.fragment(route, path)

    def fragment(self, route, path):
        if path == "/region":
            self.fetched += 1
            route.fulfill(body=f"fetched {self.fetched}")
        elif path == "/good":
            note = '{"toast": {"message": "Saved", "level": "ok"}}'
            route.fulfill(body="<p>done</p>", headers={"HX-Trigger": note})
        elif path == "/bad":
            route.fulfill(status=422, body='<input id="wrong" aria-invalid="true">')
        elif path == "/broken":
            route.fulfill(status=500, headers={"X-Request-Id": "req42"})
        else:
            route.fulfill(json={"url": "/eventos?ticket=t"})


def page_html(source):
    template = engines["django"].engine.from_string(CottonCompiler().process(source))
    people = [("1", "Rafael"), ("2", "Expedição Raiz")]
    values = {"people": people, "now": datetime.now(UTC)}
    with in_english():
        return template.render(RequestContext(member_request(), values))


def sheet_html():
    with in_english():
        return views_dev.components(member_request()).content.decode()


@contextmanager
def in_english():
    with (
        override_settings(ROOT_URLCONF="evosense.core.tests.test_components"),
        translation.override("en"),
    ):
        yield


def member_request():
    request = RequestFactory().get("/")
    request.user = SimpleNamespace(is_authenticated=True, pk=1, name="Camila", email="c@a.example")
    request.tenant = SimpleNamespace(name="Aurora", slug="aurora", is_restricted=lambda: False)
    request.membership = object()
    return request


@pytest.fixture(scope="module")
def house():
    return House()


@pytest.fixture(scope="module")
def chromium():
    if not CHROMIUM.exists():
        pytest.skip("needs Debian's Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, house):
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.add_init_script(FAKE_STREAM)
    page = context.new_page()
    page.set_default_timeout(5000)
    page.route("**/*", house.answer)
    page.goto(f"{HOME}/")
    page.wait_for_function("window.streams.length === 1")
    house.fetched = 0
    yield page
    context.close()


def test_a_burst_of_hints_costs_one_fetch(page):
    page.evaluate("streams[0].fire('messages', {conversation_ids: ['c2']})")
    page.evaluate(
        "for (let i = 0; i < 20; i++)"
        " streams[0].fire('messages', {conversation_ids: ['c1']}, `7-${i}`)"
    )
    expect(page.locator("#region")).to_have_text("fetched 1")
    page.evaluate("streams[0].fire('resync')")
    expect(page.locator("#region")).to_have_text("fetched 2")


def test_the_stream_goes_on_where_it_ended(page):
    page.evaluate("streams[0].fire('hello', {}, '9-1'); streams[0].fire('bye')")
    page.wait_for_function("streams.length === 2")
    assert "cursor=9-1" in page.evaluate("streams[1].url")
    assert page.locator("#live-bar").is_hidden()


def test_a_lost_stream_is_said_and_taken_back(page):
    page.evaluate("streams[0].fire('error')")
    page.wait_for_function("streams.length === 2")
    page.evaluate("streams[1].fire('error')")
    expect(page.locator("#live-bar")).to_be_visible()
    page.evaluate("streams[1].fire('hello')")
    expect(page.locator("#live-bar")).to_be_hidden()


def test_an_answer_is_shown_and_its_form_is_free_again(page):
    page.click("#good")
    expect(page.locator("#out")).to_have_text("done")
    expect(page.locator("#toasts")).to_contain_text("Saved")
    expect(page.locator("#good")).to_be_enabled()


def test_a_refused_form_gets_the_focus(page):
    page.click("#bad")
    expect(page.locator("#wrong")).to_be_focused()


def test_a_failure_stays_and_names_its_request(page):
    page.click("#broken")
    expect(page.locator("#toasts [role=alert]")).to_contain_text("req42")


def test_a_destructive_act_asks_by_name(page):
    page.click("#delete")
    expect(page.locator("#confirm h2")).to_have_text("Delete 3 tags")
    page.keyboard.press("Escape")
    expect(page.locator("#confirm")).to_be_hidden()
    expect(page.locator("#out")).to_be_empty()
    page.click("#delete")
    page.click("#confirm [data-yes]")
    expect(page.locator("#out")).to_have_text("done")


def test_keys_walk_find_and_explain(page):
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("[data-item] >> nth=1")).to_be_focused()
    page.keyboard.press("k")
    expect(page.locator("[data-item] >> nth=0")).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator("#id_q")).to_be_focused()
    page.keyboard.type("j")
    assert page.input_value("#id_q") == "j"
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#shortcuts-help")).to_contain_text("Find")
    page.keyboard.press("Escape")
    expect(page.locator("#shortcuts-help")).to_be_hidden()


def test_a_list_of_options_ignores_accents(page):
    page.fill("#id_who", "expedicao")
    page.keyboard.press("Enter")
    assert page.input_value("input[name=who]") == "2"
    assert page.input_value("#id_who") == "Expedição Raiz"


def test_a_menu_opens_beside_its_button_and_obeys_arrows(page):
    page.click("#opener")
    button, menu = page.locator("#opener").bounding_box(), page.locator("#menu").bounding_box()
    assert abs(button["x"] - menu["x"]) < 4
    page.keyboard.press("ArrowDown")
    expect(page.locator("#menu button >> nth=1")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#menu")).to_be_hidden()


def test_what_was_typed_survives_a_reload(page):
    page.on("dialog", lambda dialog: dialog.accept())
    page.fill("#id_note", "half a sentence")
    page.reload()
    expect(page.locator("#id_note")).to_have_value("half a sentence")


def test_the_chosen_theme_is_kept(page):
    page.click(".rail .me")
    page.click("[data-theme-value=dark]")
    assert page.get_attribute("html", "data-theme") == "dark"
    assert "theme=dark" in page.evaluate("document.cookie")


@pytest.mark.parametrize("width", [1440, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_component_sheet_is_accessible_and_fits(page, scheme, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.goto(f"{HOME}/sheet")
    assert axe_violations(page, tags=()) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
