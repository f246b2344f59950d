"""Thirty ways to smuggle markup in a message, a name or a file name: Chromium runs none of them."""

import time

import pytest
from playwright.sync_api import expect

from evosense.core.schema import tenant_scope
from evosense.testing.databases import ALPHA
from evosense.tests.end_to_end.test_browser import (  # noqa: F401  (fixtures)
    chromium,
    inside,
    member,
    page,
)

pytestmark = pytest.mark.browser

PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    "<svg onload=alert(3)>",
    '"><script>alert(4)</script>',
    "' onmouseover='alert(5)",
    '" autofocus onfocus="alert(6)',
    "</title><script>alert(7)</script>",
    "</textarea><script>alert(8)</script>",
    "</script><script>alert(9)</script>",
    "<iframe src=javascript:alert(10)></iframe>",
    "javascript:alert(11)",
    "[x](javascript:alert(12))",
    'https://example.com/"onclick=alert(13)//',
    "<a href=javascript:alert(14)>x</a>",
    "<details open ontoggle=alert(15)>",
    "<body onload=alert(16)>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(17)>",
    "{{constructor.constructor('alert(18)')()}}",
    "{% debug %}{{ settings.SECRET_KEY }}",
    "<x hx-get=/sair/ hx-trigger=load>",
    "<div data-controller=confirm data-url=javascript:alert(20)>",
    "*<b>alert(21)</b>* _<i>_ ~<s>~ ```<script>alert(21)</script>```",
    "&lt;script&gt;alert(22)&lt;/script&gt;",
    "\\u003cscript\\u003ealert(23)\\u003c/script\\u003e",
    "<style>*{display:none}</style>",
    "<base href=https://evil.example/>",
    "<meta http-equiv=refresh content=0;url=https://evil.example>",
    "<form action=https://evil.example><button autofocus>x",
    "\u202egnp.exe<script>alert(29)</script>",
    "<template><script>alert(30)</script></template>",
]


def test_nothing_that_people_write_runs(inside, line):  # noqa: F811
    from messaging.services.connections import create_connection

    dialogs = []
    inside.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    now = int(time.time()) - 3600
    with tenant_scope(ALPHA):
        for number, payload in enumerate(PAYLOADS[:6]):
            create_connection(name=payload[:80], instance=f"evs-x{number}")
    for number, payload in enumerate(PAYLOADS):
        chat = f"55119000{number:05}"
        assert line.say(payload, provider_id=f"3EB0{number:03}", at=now + number) == 200
        line.say("oi", provider_id=f"3EC0{number:03}", at=now, chat=chat, pushName=payload)
        line.send("messages.upsert", document(f"3ED0{number:03}", payload, now + 60 + number))

    inside.goto("/conversas/")
    # A page of the list; the chat of all the messages is the newest.
    expect(inside.locator("a.ci")).to_have_count(30, timeout=30_000)
    inside.locator("a.ci", has_text="Mariana Duarte").click()
    thread = inside.locator("#thread")
    for payload in (PAYLOADS[0], PAYLOADS[14], PAYLOADS[25]):
        expect(thread).to_contain_text(payload)
    for path in ("/", "/contatos/", "/conexoes/", "/conversas/?q=alert"):
        inside.goto(path)
        expect(inside.locator("main").first).to_be_visible()

    # The fixture adds: no message of the console, so no violation of the policy either.
    assert dialogs == []
    assert inside.url.startswith(line.house.url)


def document(ident, name, at):
    return {
        "key": {"remoteJid": "5511900001234@s.whatsapp.net", "fromMe": False, "id": ident},
        "pushName": "Mariana Duarte",
        "message": {
            "documentMessage": {"fileName": name, "mimetype": "application/pdf", "caption": name}
        },
        "messageType": "documentMessage",
        "messageTimestamp": at,
    }
