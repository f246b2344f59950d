"""Writing in a thread as a person does: keys, files, quotes, ticks that move, failures, drafts.

The real house sends through its own sender to the simulator, which answers with receipts.
"""

import time
from itertools import product
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from evosense.core.schema import tenant_scope
from evosense.testing.databases import ALPHA
from evosense.testing.house import House
from evosense.tests.end_to_end.conftest import line_on
from evosense.tests.end_to_end.test_browser import (  # noqa: F401  (fixtures)
    DESK,
    PHONE,
    chromium,
    inside,
    member,
    page,
    violations,
)
from messaging.tests.health.rig import make_server
from messaging.tests.simulator.process import KEY, SimulatorProcess

pytestmark = pytest.mark.browser

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PASTE = """([name, type, data]) => {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const clipboardData = new DataTransfer();
  clipboardData.items.add(new File([bytes], name, { type }));
  const field = document.querySelector("#composer-text");
  const how = { clipboardData, bubbles: true, cancelable: true };
  field.dispatchEvent(new ClipboardEvent("paste", how));
}"""
ARRIVED = ".tick.read, .tick.delivered"
# The processes share the machine with the rest of the tests.
SOON = 30_000


@pytest.fixture(scope="module")
def also() -> tuple[str, ...]:
    return ("sender",)


@pytest.fixture
def thread(inside: Page, house: House, simulator: SimulatorProcess) -> Page:  # noqa: F811
    """The open conversation of one customer, on a number that is really connected."""
    from messaging.models import Connection
    from messaging.services.connections import create_connection

    with tenant_scope(ALPHA):
        made = create_connection(
            name="Loja Centro",
            instance="evs-1",
            server_url=simulator.url,
            api_key=KEY,
        )
    line = line_on(house, simulator, made)
    line.say("Bom dia, vocês abrem hoje?", provider_id="3EB0A1", at=int(time.time()) - 60)
    with tenant_scope(ALPHA):
        server = make_server(simulator.url)
        Connection.objects.update(state="connected", server_id=server.pk)
    inside.goto("/conversas/")
    inside.locator("a.ci").first.click()
    expect(inside.locator("#composer-text")).to_be_visible()
    return inside


def write(page: Page, text: str) -> None:  # noqa: F811
    page.locator("#composer-text").fill(text)
    page.keyboard.press("Control+Enter")


def own(page: Page, text: str) -> Any:  # noqa: F811
    return page.locator("article.msg.out", has_text=text)


def acts_on(page: Page, bubble: Any) -> Any:  # noqa: F811
    bubble.hover()
    bubble.locator(".acts").click()
    return page.locator("#acts")


def test_text_files_quotes_and_reactions_leave_and_their_ticks_move(thread, simulator) -> None:
    a_message_is_written_by_keyboard(thread, simulator)
    a_picture_is_pasted_and_answers_a_quote(thread)


def test_failures_drafts_two_windows_and_a_number_that_goes_down(thread, simulator) -> None:
    what_failed_says_why_and_is_sent_again(thread, simulator)
    a_draft_survives_a_reload_and_leaves_once_from_two_windows(thread)
    the_composer_closes_and_opens_by_itself(thread, simulator)


def a_message_is_written_by_keyboard(thread: Page, simulator: SimulatorProcess) -> None:
    thread.keyboard.press("r")
    expect(thread.locator("#composer-text")).to_be_focused()
    thread.keyboard.type("Abrimos sim")
    thread.keyboard.press("Enter")
    thread.keyboard.type("às 9 h")
    thread.keyboard.press("Control+Enter")
    thread.keyboard.press("Control+Enter")
    bubble = own(thread, "Abrimos sim")
    expect(bubble).to_have_count(1)
    expect(thread.locator("#composer-text")).to_have_value("")
    expect(bubble.locator(ARRIVED)).to_be_visible(timeout=SOON)
    (sent,) = simulator.journal("evs-1")["sends"]
    assert sent["text"] == "Abrimos sim\nàs 9 h"


def a_picture_is_pasted_and_answers_a_quote(thread: Page) -> None:
    thread.evaluate(PASTE, ["mesa.png", "image/png", PIXEL])
    chip = thread.locator(".files .chip", has_text="mesa.png")
    expect(chip.locator("[name=uploads]")).to_have_count(1)
    thread.evaluate(PASTE, ["vazio.png", "image/png", ""])
    refused = thread.locator(".files .chip.bad")
    expect(refused).to_contain_text("vazio.png")
    write(thread, "não sai só o texto")
    expect(thread.locator(".toast[data-level=warn]")).to_be_visible()
    expect(thread.locator("#composer-text")).to_have_value("não sai só o texto")
    thread.locator("#composer-text").fill("")
    refused.locator("[data-act=remove]").click()
    expect(refused).to_have_count(0)

    theirs = thread.locator("article.msg:not(.out)").first
    acts_on(thread, theirs).locator("button", has=thread.locator("kbd")).click()
    expect(thread.locator("#quoted .quote")).to_contain_text("vocês abrem")
    expect(thread.locator("#composer-text")).to_be_focused()
    write(thread, "Assim ficou a mesa")
    bubble = own(thread, "Assim ficou a mesa")
    expect(bubble.locator(".quote")).to_contain_text("vocês abrem")
    expect(thread.locator(".files .chip")).to_have_count(0)
    expect(bubble.locator(ARRIVED)).to_be_visible(timeout=SOON)

    thread.locator("[popovertarget=emoji]").click()
    assert violations(thread) == []
    thread.locator("#emoji [data-act=insert]").first.click()
    expect(thread.locator("#composer-text")).to_have_value("😀")
    menu = acts_on(thread, theirs)
    expect(menu).to_be_visible()
    assert violations(thread) == []
    menu.locator("button").first.click()
    expect(theirs.locator(".react")).to_contain_text("👍", timeout=SOON)


def what_failed_says_why_and_is_sent_again(thread: Page, simulator: SimulatorProcess) -> None:
    simulator.ask("faults", kind="failed_receipt", instance="evs-1", count=1)
    write(thread, "Chegou?")
    bubble = own(thread, "Chegou?")
    expect(bubble.locator(".c-bad")).to_be_visible(timeout=SOON)
    simulator.calm()
    bubble.locator("button.link").click()
    expect(bubble.locator(ARRIVED)).to_be_visible(timeout=SOON)
    acts_on(thread, bubble).get_by_text("Detalhes", exact=True).click()
    # Its rows stand before it opens, and until then the key leads back to the list.
    expect(thread.locator("#message-detail")).to_be_visible()
    expect(thread.locator("#message-detail table tr")).to_have_count(3)
    thread.keyboard.press("Escape")
    expect(thread.locator("#message-detail")).to_be_hidden()


def a_draft_survives_a_reload_and_leaves_once_from_two_windows(thread: Page) -> None:
    thread.locator("#composer-text").fill("Quase pronto <b>")
    expect(thread.locator("#draft-note")).not_to_be_empty(timeout=SOON)
    thread.reload()
    expect(thread.locator("#composer-text")).to_have_value("Quase pronto <b>")
    second = thread.context.new_page()
    second.goto(thread.url)
    expect(second.locator("#composer-text")).to_have_value("Quase pronto <b>")
    for window in (thread, second):
        window.locator("#composer button[type=submit]").click()
        expect(window.locator("#composer-text")).to_have_value("")
    expect(own(second, "Quase pronto <b>")).to_have_count(1)
    with tenant_scope(ALPHA):
        from messaging.models import Message

        assert Message.objects.filter(text="Quase pronto <b>").count() == 1
    second.close()


def the_composer_closes_and_opens_by_itself(thread: Page, simulator: SimulatorProcess) -> None:
    thread.locator("#composer-text").fill("fica")
    simulator.ask("faults", kind="logout", instance="evs-1")
    expect(thread.locator("#gate [data-refused]")).to_be_visible(timeout=SOON)
    expect(thread.locator("#composer-text")).to_be_disabled()
    expect(thread.locator("#composer-text")).to_have_value("fica")
    look_for_violations(thread)
    simulator.ask("pair", instance="evs-1")
    expect(thread.locator("#gate [data-refused]")).to_have_count(0, timeout=SOON)
    expect(thread.locator("#composer-text")).to_be_enabled()
    look_for_violations(thread)


def look_for_violations(page: Page) -> None:  # noqa: F811
    for theme, size in product(("light", "dark"), (DESK, PHONE)):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.set_viewport_size(size)
        assert violations(page) == [], (theme, size)
    page.set_viewport_size(DESK)
