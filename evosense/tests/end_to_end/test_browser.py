"""What a person sees: pages in Chromium, live, by keyboard, without a policy violation."""

import re
import time
from collections.abc import Iterable, Iterator
from itertools import product

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect, sync_playwright

from evosense.core.schema import tenant_scope
from evosense.testing.axe import axe_violations
from evosense.testing.databases import ALPHA

pytestmark = pytest.mark.browser

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def chromium(chromium_path) -> Iterator:
    with sync_playwright() as playwright, pytest.MonkeyPatch.context() as patch:
        # Playwright keeps an event loop in this thread, in which Django would refuse its ORM.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=chromium_path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, house) -> Iterator[Page]:
    """A page of the tenant's host; the test fails when the console complained."""
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # A refused form answers 422 by design, and Chromium reports every such answer.
        if message.type == "error" and "422" not in message.text:
            complaints.append(message.text)

    context = chromium.new_context(base_url=house.url, viewport=DESK, locale="pt-BR")
    page = context.new_page()
    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


@pytest.fixture
def member(house, settings):
    from tenancy.tests import factories

    # The house runs with the hashers of production.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    user = factories.make_user(email="ana@example.com", password=PASSWORD, name="Ana Prado")
    factories.make_member("admin", user=user)
    return user


@pytest.fixture
def inside(page, member) -> Page:
    log_in(page, PASSWORD)
    expect(page).not_to_have_url(re.compile("entrar"))
    return page


def log_in(page: Page, password: str) -> None:
    page.goto("/entrar/")
    page.locator("input[name=email]").fill("ana@example.com")
    page.locator("input[name=password]").fill(password)
    page.locator(
        "main form button[type=submit], form.login button, form button.primary"
    ).first.click()


def test_a_wrong_password_is_explained_and_the_right_one_opens_the_overview(page, member) -> None:
    log_in(page, "something else")
    expect(page.locator("body")).to_contain_text("E-mail e senha não combinam")
    assert page.locator("input[name=email]").input_value() == "ana@example.com"
    log_in(page, PASSWORD)
    expect(page).to_have_url(re.compile(r":\d+/$"))
    expect(page.locator("h1")).to_have_text("Visão geral")


def test_conversations_move_while_somebody_looks(inside, line) -> None:
    now = int(time.time()) - 60
    assert line.say("Bom dia, vocês abrem hoje?", provider_id="3EB0A1", at=now) == 200
    inside.goto("/conversas/")
    item = inside.locator("a.ci", has_text="Mariana Duarte")
    expect(item).to_contain_text("Bom dia, vocês abrem hoje?")
    item.click()
    # While the pointer is over the list, new arrivals are counted instead of moving it.
    inside.mouse.move(800, 300)
    thread = inside.locator("#thread")
    expect(thread.locator("article.msg")).to_have_count(1)

    line.say("Preciso <b>urgente</b> 😊", provider_id="3EB0A2", at=now + 5)
    expect(thread.locator("article.msg")).to_have_count(2, timeout=15_000)
    expect(thread).to_contain_text("Preciso <b>urgente</b> 😊")
    expect(item).to_contain_text("Preciso")

    line.say(
        "Oi, sou o João", provider_id="3EB0B1", at=now + 9, chat="5521900005678", pushName="João"
    )
    expect(inside.locator("a.ci", has_text="João")).to_be_visible(timeout=15_000)

    line.send(
        "messages.edited",
        {
            "key": {"remoteJid": "5511900001234@s.whatsapp.net", "fromMe": False, "id": "3EB0A1"},
            "type": 14,
            "editedMessage": {"conversation": "Bom dia, vocês abrem amanhã?"},
            "timestampMs": (now + 20) * 1000,
        },
    )
    expect(thread).to_contain_text("vocês abrem amanhã?", timeout=15_000)


def test_the_list_is_walked_by_keyboard(inside, line) -> None:
    now = int(time.time()) - 600
    for number in range(3):
        line.say(
            f"mensagem {number}",
            provider_id=f"3EB0C{number}",
            at=now + number,
            chat=f"551190000000{number}",
        )
    inside.goto("/conversas/")
    expect(inside.locator("a.ci")).to_have_count(3, timeout=15_000)
    inside.keyboard.press("j")
    inside.keyboard.press("j")
    inside.keyboard.press("k")
    inside.keyboard.press("Enter")
    expect(inside.locator("#thread article.msg")).to_have_count(1)
    inside.keyboard.press("/")
    expect(inside.locator("input[name=q]")).to_be_focused()
    inside.keyboard.press("Escape")
    inside.locator("body").click(position={"x": 700, "y": 400})
    inside.keyboard.press("?")
    expect(inside.locator("#shortcuts-help")).to_be_visible()
    inside.keyboard.press("Escape")
    expect(inside.locator("#shortcuts-help")).to_be_hidden()


def test_an_open_menu_stays_while_its_list_hears_news(inside, line) -> None:
    now = int(time.time()) - 60
    inside.goto("/conexoes/")
    address = inside.url
    with inside.expect_response(address, timeout=15_000) as first:
        line.say("Oi", provider_id="3EB0E0", at=now)
    first.value.finished()
    # Not returned, or it would be waited for here.
    inside.evaluate(
        "() => void (window.heard ="
        " new Promise((done) => document.body.addEventListener('live:raw', done)))"
    )
    inside.locator("button[popovertarget^='m-']").first.click()
    menu = inside.locator("#connections .menu")
    expect(menu).to_be_visible()
    asked: list[str] = []
    inside.on("request", lambda one: asked.append(one.url))
    line.say("Ainda aí?", provider_id="3EB0E1", at=now + 1)
    inside.evaluate("window.heard.then(() => true)")
    expect(menu).to_be_visible()
    assert address not in asked


def test_a_connection_is_made_by_hand_and_its_secret_is_shown_once(inside, house) -> None:
    inside.goto("/conexoes/nova/manual/")
    inside.locator("input[name=name]").fill("Assistência")
    inside.locator("input[name=instance]").fill("evs-9")
    inside.locator("main form button[type=submit], main form button.primary").first.click()
    expect(inside.locator("body")).to_contain_text("/hooks/evo/")
    secret = inside.content()
    inside.goto("/conexoes/")
    expect(inside.locator("body")).to_contain_text("Assistência")
    token = re.search(r"[0-9A-Za-z]{43}", re.sub(r"csrf[^>]*>", "", secret))
    assert token
    assert token[0] not in inside.content()


def test_no_page_has_an_accessibility_violation(inside, line) -> None:
    line.say("Oi, tudo bem?", provider_id="3EB0D1", at=int(time.time()) - 60)
    inside.goto("/conversas/")
    expect(inside.locator("a.ci")).to_have_count(1, timeout=15_000)
    conversation = inside.locator("a.ci").get_attribute("href")
    with tenant_scope(ALPHA):
        from messaging.models import Contact

        contact = Contact.objects.get(kind="person").public_id
    connection = line.path.rsplit("/", 1)[-1]
    addresses = [
        "/",
        "/conversas/",
        conversation,
        "/contatos/",
        f"/contatos/{contact}/",
        "/conexoes/",
        "/conexoes/nova/",
        f"/conexoes/{connection}/",
        f"/conexoes/{connection}/eventos/",
    ]
    assert looks(inside, addresses) == {}


def looks(page: Page, addresses: Iterable[str]) -> dict[tuple[str, int, str], list]:
    """Return the violations of pages, opened on a desk and on a phone, in light and in dark."""
    found = {}
    for size, address in product((DESK, PHONE), addresses):
        page.set_viewport_size(size)
        page.goto(address)
        page.wait_for_load_state("load")
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            if wrong := violations(page):
                found[address, size["width"], theme] = wrong
    return found


def violations(page: Page) -> list[tuple[str, str]]:
    """Return what axe finds against WCAG 2.1 AA, and whether the page scrolls sideways."""
    # In the middle of a change of colour nothing has its contrast.
    page.emulate_media(reduced_motion="reduce")
    found = axe_violations(page)
    if page.evaluate("document.documentElement.scrollWidth > innerWidth + 1"):
        found.append(("page scrolls sideways", ""))
    return found
