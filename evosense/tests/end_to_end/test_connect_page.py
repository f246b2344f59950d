"""A number is connected in a browser against the simulator, through everything that can happen."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect
from playwright.sync_api import sync_playwright as playwright_here

from evosense.core.schema import tenant_scope
from evosense.testing.databases import ALPHA
from evosense.testing.house import House
from evosense.tests.end_to_end.test_browser import DESK, FLAGS, PASSWORD, PHONE, violations
from messaging.tests.simulator.process import KEY, SimulatorProcess, running_simulator

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

NUMBER, OTHER = "+55 41 90033-7781", "5541900019876"
# The simulator refuses after so many codes, and its waits are a tenth of Evolution's.
LIMIT = 2
SOON = 20_000


@pytest.fixture
def simulator() -> Iterator[SimulatorProcess]:
    with running_simulator("--qr-limit", str(LIMIT), "--time-factor", "0.1") as running:
        yield running


@pytest.fixture
def browser(chromium_path: str) -> Iterator[Browser]:
    with playwright_here() as playwright, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=chromium_path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def people(browser: Browser, house: House, settings: Any) -> Iterator[Any]:
    """Return `people(role)`: a logged-in browser; the test fails when a console complained."""
    from tenancy.tests import factories

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(message.text)

    def come(role: str) -> BrowserContext:
        user = factories.make_user(email=f"{role}@example.com", password=PASSWORD, name=role)
        factories.make_member(role, user=user)
        context = browser.new_context(base_url=house.url, viewport=DESK, locale="pt-BR")
        context.on("console", note)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        page = context.new_page()
        page.goto("/entrar/")
        page.locator("input[name=email]").fill(user.email)
        page.locator("input[name=password]").fill(PASSWORD)
        page.locator("input[name=password]").press("Enter")
        expect(page).not_to_have_url(re.compile("entrar"))
        return context

    yield come
    for context in browser.contexts:
        context.close()
    assert complaints == []


class ConnectPage:
    """The connect page, as somebody uses it who has no mouse."""

    def __init__(self, page: Page, simulator: SimulatorProcess) -> None:
        self.page, self.simulator = page, simulator
        self.region = page.locator("#pairing")
        self.image = self.region.locator(".qr:not(.old) img")
        self.instance = ""

    def add_server(self) -> None:
        self.page.goto("/conexoes/servidores/novo/")
        self.page.locator("#id_name").fill("Servidor da loja")
        self.page.locator("#id_url").fill(self.simulator.url)
        self.page.locator("#id_api_key").fill(KEY)
        self.page.keyboard.press("Enter")
        expect(self.page.locator("main table")).to_contain_text("2.3.7")

    def create(self, name: str) -> None:
        self.page.goto("/conexoes/nova/")
        self.page.locator("#id_name").fill(name)
        self.page.locator("#id_number").fill(NUMBER)
        self.page.keyboard.press("Enter")
        self.shows("waiting")
        self.instance = self.simulator.call("GET", "/_sim/instances")[0]["instance"]

    def shows(self, state: str) -> None:
        """Wait until the page shows `state`; nobody reloads it."""
        expect(self.region).to_have_attribute("data-state", state, timeout=SOON)

    def press(self, address: str, fields: str = "") -> None:
        """Press the button of the form that posts to `address`, by keyboard."""
        form = self.region.locator(f'form[action$="{address}"]{fields}')
        form.locator("button").first.press("Enter")

    def start(self) -> None:
        self.press("/conectar/codigo/", ":not(:has([name=by_code]))")

    def sim(self, path: str, **body: Any) -> None:
        self.simulator.ask(path, instance=self.instance, **body)

    def expire(self) -> None:
        self.sim("pairing", outcome="expire")


@pytest.fixture
def connect(people: Any, simulator: SimulatorProcess) -> ConnectPage:
    return ConnectPage(people("admin").pages[0], simulator)


def test_a_number_is_connected_through_everything_that_can_happen(connect, people) -> None:
    connect.add_server()
    connect.create("Loja Batel")
    look_alike(connect, people)
    codes_that_nobody_reads(connect)
    a_code_to_type(connect)
    another_number(connect)
    a_server_in_trouble(connect)
    a_ban(connect)
    connect.start()
    connect.shows("waiting")
    connect.sim("pairing", outcome="scan")
    connect.shows("connected")
    expect(connect.region).to_contain_text("90033-7781")
    assert looks_well(connect.page) == []
    open_already(connect)


def look_alike(connect: ConnectPage, people: Any) -> None:
    """Two people see one code; who may not connect sees why, and no code."""
    page = connect.page
    answer = page.reload()
    assert answer is not None
    assert "no-store" in answer.headers["cache-control"]
    second = page.context.new_page()
    second.goto(page.url)
    shown = second.locator("#pairing .qr img")
    assert shown.get_attribute("src") == connect.image.get_attribute("src")
    second.close()
    others = people("agent")
    other = others.pages[0]
    other.goto(page.url)
    expect(other.locator("#pairing")).to_have_attribute("data-state", "waiting")
    expect(other.locator("#pairing img, #pairing form")).to_have_count(0)
    others.close()
    assert looks_well(page) == []


def codes_that_nobody_reads(connect: ConnectPage) -> None:
    """The newest code replaces the one before by itself; at the limit a person must ask again."""
    first = connect.image.get_attribute("src")
    seconds = connect.region.locator("[data-count='-1']")
    before = int(seconds.inner_text())
    expect(seconds).not_to_have_text(str(before), timeout=SOON)
    connect.expire()
    expect(connect.image).not_to_have_attribute("src", first or "", timeout=SOON)
    connect.shows("waiting")
    connect.expire()
    connect.shows("expired")
    expect(connect.region.locator("img")).to_have_count(0)
    assert looks_well(connect.page) == []


def a_code_to_type(connect: ConnectPage) -> None:
    connect.press("/conectar/codigo/", ":has([name=by_code])")
    connect.shows("code_waiting")
    expect(connect.region.locator("output")).to_have_text(re.compile(r"^\w{4}-\w{4}$"))
    assert looks_well(connect.page) == []
    # Not the limit: WhatsApp refuses the session itself.
    state = {"instance": connect.instance, "state": "refused", "statusReason": 428}
    connect.sim("emit", event="connection.update", data=state)
    connect.shows("refused")
    connect.simulator.call("DELETE", f"/instance/delete/{connect.instance}")
    connect.start()
    connect.shows("waiting")


def another_number(connect: ConnectPage) -> None:
    connect.sim("pair", number=OTHER)
    connect.shows("wrong_number")
    expect(connect.region).to_contain_text("7781")
    expect(connect.region).to_contain_text("9876")
    assert looks_well(connect.page) == []
    connect.press("/conectar/desconectar/")
    connect.shows("none")


def a_server_in_trouble(connect: ConnectPage) -> None:
    connect.sim("pairing", plan="error", times=1)
    connect.start()
    connect.shows("provider_error")
    connect.press("/conectar/recriar/")
    connect.shows("waiting")
    connect.expire()
    connect.expire()
    connect.shows("expired")
    connect.simulator.ask("cut", how="down")
    connect.start()
    connect.shows("server_down")
    connect.simulator.ask("heal")
    with changed_key():
        connect.start()
        connect.shows("bad_key")
    connect.start()
    connect.shows("waiting")


def a_ban(connect: ConnectPage) -> None:
    connect.sim("pairing", outcome="ban")
    connect.shows("banned")
    assert looks_well(connect.page) == []


def open_already(connect: ConnectPage) -> None:
    """We believe that it is down, and the server says that it is open."""
    from messaging.models import Connection

    with tenant_scope(ALPHA):
        Connection.objects.update(state="logged_out", wants_session=False)
    connect.page.reload()
    connect.shows("none")
    connect.start()
    connect.shows("already_open")


class changed_key:  # noqa: N801  (read as a block)
    """While it lasts the key that we keep is not the server's."""

    def __enter__(self) -> None:
        from messaging.models import Connection

        with tenant_scope(ALPHA):
            found = Connection.objects.get()
            self.key, found.api_key = found.api_key, "no longer the key"
            found.save(update_fields=["api_key"])

    def __exit__(self, *_error: object) -> None:
        from messaging.models import Connection

        with tenant_scope(ALPHA):
            found = Connection.objects.get()
            found.api_key = self.key
            found.save(update_fields=["api_key"])


def looks_well(page: Page) -> list[tuple[str, str]]:
    """Return what axe finds on the desk and whether the phone scrolls sideways."""
    found = violations(page)
    page.set_viewport_size(PHONE)
    if page.evaluate("document.documentElement.scrollWidth > innerWidth + 1"):
        found.append(("page scrolls sideways", page.url))
    page.set_viewport_size(DESK)
    return found
