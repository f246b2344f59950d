"""A customer's photo and voice message, from the gateway to the eyes and ears of a person.

All processes are real: the receiver, the worker that stores the message, the relay, the worker that
fetches the file, and the media host that a browser asks.
"""

import time
from itertools import product
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from evosense.core.schema import public_scope, tenant_scope
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
from messaging.tests.simulator.process import KEY, SimulatorProcess

pytestmark = pytest.mark.browser

SOON = 30_000
SHIFT = """() => new Promise((done) => new PerformanceObserver((list) => done(
  list.getEntries().reduce((sum, entry) => sum + entry.value, 0)
)).observe({ type: "layout-shift", buffered: true }) || setTimeout(() => done(0), 300))"""
PLAY = """async (audio) => {
  audio.muted = true;
  await audio.play();
  while (!audio.currentTime) await new Promise((wait) => setTimeout(wait, 50));
  return [Math.round(audio.duration), new URL(audio.currentSrc).hostname];
}"""


@pytest.fixture(scope="module")
def also() -> tuple[str, ...]:
    return ("tasks",)


@pytest.fixture
def thread(inside: Page, house: House, simulator: SimulatorProcess) -> Page:  # noqa: F811
    from messaging.gateway.models import EvolutionServer
    from messaging.gateway.servers import Unreachable, instance_of
    from messaging.services.connections import create_connection

    with tenant_scope(ALPHA):
        made = create_connection(
            name="Loja Centro", instance="evs-1", server_url=simulator.url, api_key=KEY
        )
        with pytest.raises(Unreachable):
            instance_of(made.connection)
        with public_scope():
            # What the probe finds out, which nobody needs to wait for here.
            EvolutionServer.objects.update(version="2.3.7")
    line_on(house, simulator, made)
    simulator.ask("emit", instance="evs-1", kind="text", chat=0, text="Vou mandar a foto")
    inside.goto("/conversas/")
    inside.locator("a.ci").first.click()
    expect(inside.locator("article.msg")).to_have_count(1)
    return inside


def receive(thread: Page, simulator: SimulatorProcess, kind: str) -> Any:
    simulator.ask("emit", instance="evs-1", kind=kind, chat=0)
    return thread.locator("article.msg").last


def test_a_photo_and_a_voice_message_arrive_while_somebody_looks(thread, simulator) -> None:
    bubble = receive(thread, simulator, "image")
    photo = bubble.locator("img")
    expect(photo).to_be_visible(timeout=SOON)
    assert "//media.localhost:" in (photo.get_attribute("src") or "")
    thread.wait_for_function("(img) => img.naturalWidth > 0", arg=photo.element_handle())
    photo.click()
    large = thread.locator("dialog#picture img")
    expect(large).to_be_visible()
    thread.wait_for_function("(img) => img.naturalWidth > 0", arg=large.element_handle())
    assert violations(thread) == []
    thread.keyboard.press("Escape")
    expect(large).to_be_hidden()
    sound = receive(thread, simulator, "audio").locator("audio")
    expect(sound).to_be_visible(timeout=SOON)
    seconds, host = sound.evaluate(PLAY)
    assert seconds > 0
    assert host
    thread.reload()
    expect(thread.locator("article.msg img")).to_be_visible()
    assert thread.evaluate(SHIFT) < 0.02
    for size, scheme in product((DESK, PHONE), ("light", "dark")):
        thread.set_viewport_size(size)
        thread.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert violations(thread) == []


def test_a_file_that_is_gone_says_so_and_is_fetched_once_more(thread, simulator) -> None:
    from messaging.models import MessageMedia

    simulator.ask("faults", kind="bad_decrypt", instance="evs-1")
    bubble = receive(thread, simulator, "document")
    with tenant_scope(ALPHA):
        deadline = time.monotonic() + SOON / 1000
        while not MessageMedia.objects.filter(failure="bad_decrypt").exists():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        MessageMedia.objects.update(status="unavailable", next_attempt_at=None)
    simulator.calm()
    thread.reload()
    bubble = thread.locator("article.msg").last
    bubble.locator("form button").click()
    expect(thread.locator(".toast")).to_be_visible()
    with tenant_scope(ALPHA):
        assert MessageMedia.objects.get().status == "pending"
