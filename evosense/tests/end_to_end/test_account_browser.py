"""Second factors in Chromium: a passkey made on one company's host opens the other's; an app.

The house runs under a parent host with a dot, as in production: browsers give no passkey of
`localhost` to the hosts below it.
"""

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from evosense.testing.databases import ALPHA, BETA
from evosense.testing.house import House
from evosense.tests.end_to_end.conftest import answering
from evosense.tests.end_to_end.test_browser import DESK, FLAGS

pytestmark = pytest.mark.browser

PARENT = "evosense.test"
PASSWORD = "correct horse battery"
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture(scope="module")
def processes(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[House]:
    from evosense.testing import house as houses

    real = houses._environment
    with (
        django_db_blocker.unblock(),
        answering({f"{ref.slug}.{PARENT}": ref for ref in (ALPHA, BETA)}),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(
            houses, "_environment", lambda *given: {**real(*given), "PUBLIC_HOST": PARENT}
        )
        with houses.running_house(tmp_path_factory.mktemp("house"), "web") as running:
            yield running


@pytest.fixture
def user(house, settings):
    from tenancy.tests import factories

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    user = factories.make_user(email="ana@example.com", password=PASSWORD, name="Ana Prado")
    factories.make_member("agent", user=user)
    factories.make_member("viewer", tenant=BETA, user=user)
    return user


@pytest.fixture
def page(house, user, chromium_path) -> Iterator[Page]:
    """A page with a device that keeps passkeys; the test fails when the console complained."""
    origins = [f"http://{ref.slug}.{PARENT}:{house.port}" for ref in (ALPHA, BETA)]
    flags = [
        *FLAGS,
        f"--host-resolver-rules=MAP *.{PARENT} 127.0.0.1",
        f"--unsafely-treat-insecure-origin-as-secure={','.join(origins)}",
    ]
    complaints: list[str] = []
    with sync_playwright() as playwright, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=chromium_path, args=flags)
        context = browser.new_context(base_url=origins[0], viewport=DESK, locale="pt-BR")
        page = context.new_page()
        page.on(
            "console",
            lambda said: (
                complaints.append(said.text)
                if said.type == "error" and "422" not in said.text
                else None
            ),
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        devtools = context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
        yield page
        browser.close()
    assert complaints == []


def log_in(page: Page) -> None:
    page.goto("/entrar/")
    page.locator("input[name=email]").fill("ana@example.com")
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("form[action='/entrar/'] button[type=submit]").click()
    page.wait_for_url(lambda url: not url.endswith("/entrar/"))


def test_a_passkey_made_here_opens_the_other_company(page, house) -> None:
    log_in(page)
    page.goto("/conta/seguranca/")
    page.locator("input[name=name]").first.fill("Notebook")
    page.locator("form[action='/conta/seguranca/chaves/'] button").click()
    expect(page).to_have_url(re.compile("/conta/seguranca/codigos/$"))
    expect(page.locator("ol .mono")).to_have_count(10)
    page.goto("/conta/seguranca/")
    expect(page.get_by_text("Notebook", exact=True)).to_be_visible()
    for slug in (ALPHA.slug, BETA.slug):
        page.context.clear_cookies()
        page.goto(f"http://{slug}.{PARENT}:{house.port}/entrar/?next=/conta/sessoes/")
        page.locator("form[action='/entrar/chave/'] button").click()
        expect(page).to_have_url(f"http://{slug}.{PARENT}:{house.port}/conta/sessoes/")
        expect(page.get_by_text("Chrome · Linux").first).to_be_visible()


def test_an_app_is_set_up_and_asked_for(page, user) -> None:
    from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

    def code(step: int) -> str:
        return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + step))

    log_in(page)
    page.goto("/conta/seguranca/app/")
    expect(page.locator(".qr svg path")).to_be_visible()
    secret = page.locator("#secret").input_value()
    page.locator("input[name=code]").fill(code(0))
    page.locator("main form button[type=submit]").click()
    expect(page).to_have_url(re.compile("/conta/seguranca/codigos/$"))
    recovery = page.locator("ol .mono").first.inner_text()
    with page.expect_download() as download:
        page.locator("a[download]").click()
    assert recovery in download.value.path().read_text()
    page.context.clear_cookies()
    log_in(page)
    expect(page).to_have_url(re.compile("/entrar/codigo/"))
    page.locator("input[name=code]").fill("000000")
    page.locator("form[action='/entrar/codigo/'] button").click()
    expect(page.locator(".err:visible")).to_have_count(1)
    # The step after the one used up by the set-up; clocks may differ by one.
    page.locator("input[name=code]").fill(code(1))
    page.locator("form[action='/entrar/codigo/'] button").click()
    expect(page).not_to_have_url(re.compile("entrar"))
    page.context.clear_cookies()
    log_in(page)
    page.locator("input[name=code]").fill(recovery)
    page.locator("form[action='/entrar/codigo/'] button").click()
    expect(page).not_to_have_url(re.compile("entrar"))
