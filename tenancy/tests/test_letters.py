"""Every kind of letter: in both languages, in both forms, true, and free of anybody's HTML."""

import re
from zoneinfo import ZoneInfo

import pytest
from django.core import mail as outbox
from django.utils import timezone

from evosense.core.actor import Actor, acting
from evosense.testing.databases import ALPHA
from tenancy.models import AuditEntry, Mail, Membership, User
from tenancy.services import audit, invitations, mail, sign_ups
from tenancy.tests import factories

EVIL = "<a href=\"//evil.example\">Ana</a> & 'Cia'"


@pytest.fixture
def member(public) -> Membership:
    return factories.make_member("agent", user=factories.make_user(name=EVIL))


def begun(email: str, slug: str) -> None:
    wish = sign_ups.Wish("Ana <b>", "Loja <i>&", slug, email, "um cavalo na varanda")
    sign_ups.begin(wish)


def post_each(member: Membership) -> dict[str, Mail]:
    """Return one waiting letter of each kind of this app."""
    user = member.user
    begun("new@example.com", "loja-nova")
    begun(user.email, "loja-outra")
    with acting(Actor(kind="user", id=str(factories.make_member("owner").user_id))):
        invitations.invite(ALPHA.id, "guest@example.com", "agent")
    about = {"to": user.email, "tenant_id": ALPHA.id}
    mail.post("password_reset", object_id=user.pk, **about)
    mail.post("password_changed", object_id=user.pk, **about)
    with acting(Actor(kind="user", id=str(user.pk), address="192.0.2.44")):
        entry = audit.record(
            "session.started", changes={"device": ["", "Firefox · Linux"]}, tenant_id=ALPHA.id
        )
    mail.post("new_login", object_id=entry.pk, **about)
    gone = factories.make_member(
        "agent", user=factories.make_user(name=EVIL), is_active=False, deactivated_at=timezone.now()
    )
    mail.post("member_deactivated", object_id=gone.pk, to=gone.user.email, tenant_id=ALPHA.id)
    return {letter.kind: letter for letter in Mail.objects.filter(state="waiting")}


@pytest.mark.parametrize("locale", ["pt-br", "en"])
def test_every_letter_has_both_forms_in_both_languages(member, locale) -> None:
    letters = post_each(member)
    assert len(letters) == 7
    for kind, letter in letters.items():
        Mail.objects.filter(pk=letter.pk).update(locale=locale)
        assert mail.deliver(letter.pk) == "sent", kind
        sent = outbox.outbox[-1]
        html = sent.alternatives[0][0]
        assert f'<html lang="{locale}">' in html, kind
        assert sent.subject.isprintable(), kind
        assert "{{" not in sent.body + html, kind
        assert "{%" not in sent.body + html, kind
        assert "<" not in sent.body.replace(EVIL, "").replace("Ana <b>", "").replace(
            "Loja <i>&", ""
        )
        assert "&amp;" not in sent.body, kind
        assert "<i>&" not in html, kind
        assert "evil.example" not in re.findall(r'href="([^"]*)"', html), kind
        assert '<a href="//evil' not in html, kind


def test_a_log_in_is_told_with_device_time_and_address(member) -> None:
    letter = post_each(member)["new_login"]
    mail.deliver(letter.pk)
    body = outbox.outbox[-1].body
    assert "Firefox · Linux" in body
    assert "192.0.2.44" in body
    at = AuditEntry.objects.get(pk=int(letter.object_id)).at
    assert f"{at.astimezone(ZoneInfo(ALPHA.timezone)):%d/%m/%Y %H:%M}" in body


def test_whoever_came_back_is_not_told_that_access_ended(member) -> None:
    letter = post_each(member)["member_deactivated"]
    Membership.objects.filter(pk=int(letter.object_id)).update(is_active=True)
    assert mail.deliver(letter.pk) == "dropped"


def test_a_known_persons_letter_lists_their_companies(member) -> None:
    letter = post_each(member)["sign_up_known"]
    mail.deliver(letter.pk)
    assert "alpha.testserver" in outbox.outbox[-1].body


def test_a_closed_account_gets_no_letter_about_a_new_company(member) -> None:
    letter = post_each(member)["sign_up_known"]
    User.objects.filter(pk=member.user_id).update(is_active=False)
    assert mail.deliver(letter.pk) == "dropped"
