"""The pages of judgement in a browser: without a violation, and waiting for a worker."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from analytics.errands.starting import start
from analytics.errands.trial import Side, request_of
from analytics.errands.work import do_errand
from analytics.models import Errand
from analytics.prompting.versions import Author, create_version
from evosense.core.schema import tenant_scope
from evosense.testing.databases import ALPHA
from evosense.tests.end_to_end.test_browser import (  # noqa: F401  (fixtures)
    chromium,
    inside,
    looks,
    member,
    page,
)

# Twenty pages in four looks each take minutes on a busy machine.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
SOON = 60_000
SIDES = [Side("side_1", "embedded")]


@pytest.fixture(scope="module")
def also() -> tuple[str, ...]:
    return ("tasks",)


def at(name: str, *args: object) -> str:
    return reverse(f"analytics:{name}", args=args, urlconf="evosense.urls_tenant")


@pytest.fixture
def addresses(member) -> list[str]:  # noqa: F811
    """Make something to see on each page; returns where that is."""
    from analytics.tests.experiments.test_pages import compared_run
    from analytics.tests.providers.helpers import make_provider
    from messaging.tests.factories import make_conversation, make_message

    with tenant_scope(ALPHA):
        run = compared_run(items=30)
        draft = compared_run(items=6, status="draft")
        talk = make_conversation()
        message = make_message(talk, text="Meu pedido não chegou, péssimo")
        author = Author(1, "Ana")
        for body in ("Judge one.", "Judge another."):
            create_version(name="tom", task="message_analysis", body=body, author=author)
        asked = request_of(SIDES, texts="adorei\nnada chegou ainda")
        trial = start(Errand.Kind.PLAYGROUND, request=asked)
        do_errand(trial.pk)
        provider = make_provider("http://127.0.0.1:9/v1")
        provider_id = provider.pk
    return [
        at("experiment-list"),
        at("experiment-create"),
        at("experiment-detail", run.public_id),
        at("experiment-detail", draft.public_id),
        at("experiment-drift"),
        at("prompt-list"),
        at("prompt-create"),
        at("prompt-detail", "tom"),
        at("prompt-version", "tom", 2),
        at("prompt-playground"),
        at("prompt-trial", trial.public_id),
        at("review"),
        at("search") + "?q=pedido&modo=words",
        at("message-panel", message.public_id),
        at("conversation-panel", talk.public_id),
        at("conversation-replies", talk.public_id),
        at("ai-settings"),
        at("ai-settings-usage"),
        at("ai-providers"),
        at("ai-providers-detail", provider_id),
    ]


def test_no_page_of_judgement_has_an_accessibility_violation(
    inside: Page,  # noqa: F811
    addresses: list[str],
) -> None:
    assert looks(inside, addresses) == {}


def test_a_trial_waits_shows_itself_and_survives_a_reload(inside: Page) -> None:  # noqa: F811
    inside.goto(at("prompt-playground"))
    inside.locator("textarea[name=texts]").fill("adorei, muito obrigada\nnada chegou, péssimo")
    inside.locator("main form.card button.primary").click()
    expect(inside).to_have_url(re.compile("/experimentar/[0-9a-f-]{36}/"), timeout=SOON)
    address = inside.url
    result = inside.locator("#resultado")
    expect(result.locator("tbody tr")).to_have_count(2, timeout=SOON)
    assert inside.url == address
    inside.reload()
    expect(result.locator("tbody tr")).to_have_count(2)
    expect(inside.locator("textarea[name=texts]")).to_have_value(
        "adorei, muito obrigada\nnada chegou, péssimo"
    )


def test_replies_come_into_the_thread_s_panel(inside: Page, addresses: list[str]) -> None:  # noqa: F811
    panel = next(one for one in addresses if one.endswith("respostas/"))
    inside.goto(panel.removesuffix("respostas/"))
    inside.get_by_role("button", name="Sugerir respostas").click()
    expect(inside.locator("#suggested-replies li")).to_have_count(3, timeout=SOON)
