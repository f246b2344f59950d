"""A company begins in a browser: sign-up, letter, second step, colleague, audit, new password."""

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect

from evosense.core.schema import public_scope
from evosense.testing.house import House, running_house
from evosense.tests.end_to_end.test_browser import (  # noqa: F401  (a fixture)
    DESK,
    chromium,
    looks,
)

# A whole company begins here; on a busy machine that takes minutes.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

OWNER, COLLEAGUE = "camila@example.com", "joao@example.com"
PASSWORD, NEW_PASSWORD = "um cavalo na varanda", "dois cavalos na varanda"


@pytest.fixture(scope="module")
def processes(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        # Letters become files of this house; the test session's own go to memory.
        patch.setenv("EMAIL_URL", "")
        patch.setenv("EVOSENSE_HOME", str(folder))
        with running_house(folder, "web", "tasks") as running:
            yield running


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    found: list[str] = []
    yield found
    assert found == []


@pytest.fixture
def person(chromium, house, complaints):  # noqa: F811
    """Return `person()`: a page in a browser of its own, on the public host."""

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and "422" not in message.text:
            complaints.append(message.text)

    def come() -> Page:
        address = f"http://localhost:{house.port}"
        context = chromium.new_context(base_url=address, viewport=DESK, locale="pt-BR")
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield come
    for context in chromium.contexts:
        context.close()


def press(page: Page) -> None:
    page.locator("main form button.primary").first.click()


def letter_to(page: Page, email: str, word: str) -> Page:
    """Open the newest letter to `email` whose link holds `word`, and follow its link."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        page.goto(page.evaluate("location.origin") + "/dev/mailbox")
        rows = page.locator("tbody tr", has_text=email)
        if rows.count():
            rows.first.locator("a").click()
            button = page.frame_locator("iframe").locator(f"a.button[href*='/{word}/']")
            if button.count():
                button.click()
                page.wait_for_url(re.compile(f"/{word}/"))
                return page
        time.sleep(0.3)
    raise AssertionError(f"no letter to {email} about {word}")


def sign_up(page: Page) -> None:
    page.goto("/")
    page.locator("a[href='/criar-conta/']").click()
    page.locator("[name=name]").fill("Camila Souza")
    page.locator("[name=company]").press_sequentially("Estofados São João", delay=15)
    expect(page.locator("[name=slug]")).to_have_value("estofados-sao-joao", timeout=15_000)
    page.locator("[name=email]").fill(OWNER)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=terms]").check()
    press(page)
    expect(page).to_have_url(re.compile("/criar-conta/enviado/"))
    letter_to(page, OWNER, "confirmar")
    press(page)
    page.wait_for_url(re.compile(r"//estofados-sao-joao\.localhost:\d+/entrar/"), timeout=90_000)


def log_in(page: Page, password: str) -> None:
    page.locator("input[name=password]").fill(password)
    page.locator("form[action='/entrar/'] button[type=submit]").click()
    page.wait_for_url(lambda url: "/entrar/" not in url)


def set_up_second_step(page: Page, origin: str) -> None:
    from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

    page.goto(f"{origin}/conta/seguranca/app/")
    secret = page.locator("#secret").input_value()
    page.locator("input[name=code]").fill(
        format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    )
    page.locator("main form button[type=submit]").click()
    expect(page).to_have_url(re.compile("/conta/seguranca/codigos/$"))


def test_a_company_begins_invites_a_colleague_and_sees_it_audited(person, house) -> None:
    owner, guest = person(), person()
    sign_up(owner)
    expect(owner.locator("input[name=email]")).to_have_value(OWNER)
    log_in(owner, PASSWORD)
    origin = f"http://estofados-sao-joao.localhost:{house.port}"
    set_up_second_step(owner, origin)

    owner.goto(f"{origin}/ajustes/pessoas/convidar/")
    owner.locator("main textarea").fill(COLLEAGUE)
    press(owner)
    guest.goto("/")
    letter_to(guest, COLLEAGUE, "convite")
    expect(guest.locator("body")).to_contain_text("Camila Souza")
    guest.locator("[name=name]").fill("João Pereira")
    guest.locator("[name=password]").fill(PASSWORD)
    press(guest)
    expect(guest).to_have_url(f"{origin}/")
    expect(guest.locator("nav.rail")).to_be_visible()

    owner.goto(f"{origin}/ajustes/pessoas/")
    expect(owner.locator("main")).to_contain_text("João Pereira")
    owner.goto(f"{origin}/ajustes/auditoria/")
    expect(owner.locator("main")).to_contain_text(COLLEAGUE)
    with public_scope():
        from tenancy.models import AuditEntry, Tenant
        from tenancy.services.audit import first_broken

        tenant = Tenant.objects.get(slug="estofados-sao-joao")
        trail = AuditEntry.objects.filter(tenant=tenant).order_by("number")
        acts = list(trail.values_list("action", flat=True))
        assert first_broken(tenant.pk) is None
    wanted = ["tenant.created", "member.joined", "session.started", "mfa.enabled"]
    wanted += ["member.invited", "member.joined", "session.started"]
    steps = iter(acts)
    assert all(step in steps for step in wanted), acts

    guest.goto(f"{origin}/conta/")
    guest.context.clear_cookies()
    guest.goto(f"{origin}/entrar/")
    guest.locator("a[href='/entrar/esqueci/']").click()
    guest.locator("[name=email]").fill(COLLEAGUE)
    press(guest)
    letter_to(guest, COLLEAGUE, "nova-senha")
    guest.locator("[name=password]").fill(NEW_PASSWORD)
    press(guest)
    expect(guest).to_have_url(f"{origin}/entrar/")
    guest.locator("input[name=email]").fill(COLLEAGUE)
    log_in(guest, NEW_PASSWORD)
    expect(guest.locator("nav.rail")).to_be_visible()


def test_the_front_door_is_open_to_everybody(person) -> None:
    addresses = (
        "/",
        "/criar-conta/",
        "/criar-conta/enviado/",
        "/entrar/esqueci/",
        "/termos/",
        "/dev/mailbox",
    )
    assert looks(person(), addresses) == {}
