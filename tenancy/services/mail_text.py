"""From a stored letter to a message: language, three templates, safe headers."""

from collections.abc import Callable
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template import Context, engines
from django.template.backends.django import DjangoTemplates
from django.utils import timezone, translation

from evosense.core.schema import public_scope
from tenancy.brand_colors import palette_of
from tenancy.models import Mail
from tenancy.selectors.brand import PLAIN, read_look
from tenancy.services import links

SUBJECT_LENGTH = 150


def compose(
    mail: Mail, build: Callable[[Mail], dict[str, Any] | None]
) -> EmailMultiAlternatives | None:
    """Return the message of a letter in its reader's language; None when it is no longer true."""
    zone = mail.tenant.timezone if mail.tenant else settings.DEFAULT_LETTER_ZONE
    with (
        public_scope(),
        translation.override(_language(mail)),
        timezone.override(ZoneInfo(zone)),
    ):
        context = build(mail)
        return None if context is None else _message(mail, context)


def one_line(text: str) -> str:
    """Return `text` fit for a header: no control characters, single spaces, not too long."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    shown = " ".join(shown.split())
    return shown if len(shown) <= SUBJECT_LENGTH else f"{shown[: SUBJECT_LENGTH - 1]}…"


def _message(mail: Mail, context: dict[str, Any]) -> EmailMultiAlternatives:
    name = f"emails/{mail.kind}"
    everything = {
        **context,
        "language": translation.get_language(),
        "company": mail.tenant.name if mail.tenant else "",
        **_look(mail),
    }
    subject = one_line(_text(f"{name}.subject.txt", everything))
    everything["subject"] = subject
    message = EmailMultiAlternatives(
        subject=subject,
        body=_text(f"{name}.txt", everything).strip() + "\n",
        from_email=settings.EMAIL_FROM,
        to=[mail.to],
        reply_to=[settings.EMAIL_REPLY_TO] if settings.EMAIL_REPLY_TO else None,
        headers=_headers(mail),
    )
    message.attach_alternative(_html(f"{name}.html", everything), "text/html")
    return message


def _look(mail: Mail) -> dict[str, str]:
    """Return the company's brand for the head of the letter; letters are read on white."""
    look = read_look(mail.tenant_id) if mail.tenant_id else PLAIN
    found = {"brand_name": look.name}
    if look.color:
        found["brand_color"] = palette_of(look.color).light["brand-text"]
    if look.logo_digest and mail.tenant_id:
        address = links.tenant_url(mail.tenant_id, "brand:logo")
        found["brand_logo"] = f"{address}?v={look.logo_digest}"
    return found


def _headers(mail: Mail) -> dict[str, str]:
    return {
        # The same for every attempt, so that a letter sent twice is shown once.
        "Message-ID": f"<{mail.pk}@{settings.PUBLIC_HOST}>",
        # Holiday answers and mailing loops leave such letters alone.
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }


def _language(mail: Mail) -> str:
    known = {code for code, _name in settings.LANGUAGES}
    for wanted in (mail.locale, mail.tenant.locale if mail.tenant else ""):
        if wanted in known:
            return wanted
    return settings.LANGUAGE_CODE


def _text(name: str, context: dict[str, Any]) -> str:
    # Plain text is not HTML: an apostrophe must not become &#x27;.
    return str(_template(name).render(Context(dict(context), autoescape=False)))


def _html(name: str, context: dict[str, Any]) -> str:
    return str(_template(name).render(Context(dict(context))))


def _template(name: str) -> Any:
    return cast("DjangoTemplates", engines["django"]).engine.get_template(name)
