"""Invitations: one seat, one address, one use."""

import re
from datetime import timedelta
from functools import partial
from html import unescape

import pytest
from django.core import mail as outbox
from django.utils import timezone

from evosense.core.actor import Actor, acting
from evosense.core.errors import Conflict, DomainError, LimitReached, NotAllowed, NotFound
from evosense.core.schema import public_scope
from evosense.testing.databases import ALPHA, BETA
from evosense.testing.threads import run_threads
from tenancy.models import AuditEntry, Entitlement, Invitation, Membership, User
from tenancy.services import invitations, mail, seats
from tenancy.tests import factories

PASSWORD = "seven green bicycles"


def actor_of(membership: Membership) -> Actor:
    return Actor(kind="user", id=str(membership.user_id), label=membership.user.email)


def limit_seats(number: int | None) -> None:
    with public_scope():
        Entitlement.objects.update_or_create(
            tenant_id=ALPHA.id, name="seats", defaults={"limit": number}
        )


def actions() -> list[str]:
    rows = AuditEntry.objects.filter(tenant_id=ALPHA.id).order_by("number")
    return list(rows.values_list("action", flat=True))


@pytest.fixture
def roomy(public) -> None:
    limit_seats(None)


def test_an_invited_person_joins_with_an_account_of_their_own(roomy) -> None:
    owner = factories.make_member("owner", user=factories.make_user(name="Dona Vera"))
    with acting(actor_of(owner)):
        row = invitations.invite(ALPHA.id, " Ana@Example.com ", "supervisor")
    assert row.email == "ana@example.com"
    assert [one.email for one in invitations.open_invitations(ALPHA.id)] == ["ana@example.com"]
    membership = invitations.accept(
        invitations.token_of(row), tenant_id=ALPHA.id, name="Ana Prado", password=PASSWORD
    )
    assert (membership.role, membership.user.name) == ("supervisor", "Ana Prado")
    assert membership.user.check_password(PASSWORD)
    assert invitations.open_invitations(ALPHA.id) == []
    row.refresh_from_db()
    assert (row.state, row.accepted_by_id) == ("accepted", membership.user_id)
    assert actions() == ["member.invited", "member.joined"]
    joined = AuditEntry.objects.get(action="member.joined")
    assert joined.actor_id == str(membership.user_id)


def test_the_letter_names_who_invites_and_leads_to_the_companys_own_host(roomy, settings) -> None:
    settings.PUBLIC_SCHEME, settings.PUBLIC_PORT = "https", ""
    owner = factories.make_member("owner", user=factories.make_user(name="Vera <b>& Cia</b>"))
    with acting(actor_of(owner)):
        row = invitations.invite(ALPHA.id, "ana@example.com", "agent")
    mail.sweep()
    (letter,) = outbox.outbox
    html = letter.alternatives[0][0]
    assert letter.to == ["ana@example.com"]
    assert ALPHA.name in letter.subject
    assert "Vera <b>& Cia</b>" in letter.body
    assert "<b>& Cia" not in html
    assert "Vera &lt;b&gt;&amp; Cia&lt;/b&gt;" in html
    (link,) = set(re.findall(r"https?://\S+", letter.body))
    assert link == f"https://alpha.testserver/convite/{invitations.token_of(row)}/"
    assert link in unescape(html)


def test_a_letter_of_a_revoked_invitation_is_not_sent(roomy) -> None:
    row = invitations.invite(ALPHA.id, "ana@example.com", "agent")
    invitations.revoke(ALPHA.id, row.pk)
    mail.sweep()
    assert outbox.outbox == []


@pytest.mark.parametrize(
    ("inviter", "role", "allowed"),
    [
        ("owner", "owner", True),
        ("admin", "admin", True),
        ("admin", "owner", False),
        ("supervisor", "agent", False),
        ("agent", "viewer", False),
    ],
)
def test_nobody_gives_a_role_beyond_their_own(roomy, inviter, role, allowed) -> None:
    with acting(actor_of(factories.make_member(inviter))):
        if allowed:
            invitations.invite(ALPHA.id, "ana@example.com", role)
            return
        with pytest.raises(NotAllowed):
            invitations.invite(ALPHA.id, "ana@example.com", role)
    assert not Invitation.objects.exists()


def test_a_member_of_another_company_invites_nobody_here(roomy) -> None:
    stranger = factories.make_member("owner", tenant=BETA)
    with acting(actor_of(stranger)), pytest.raises(NotAllowed):
        invitations.invite(ALPHA.id, "ana@example.com", "viewer")


def test_members_and_people_already_invited_are_not_invited_again(roomy) -> None:
    member = factories.make_member("agent")
    with pytest.raises(Conflict, match="member_exists"):
        invitations.invite(ALPHA.id, member.user.email, "agent")
    invitations.invite(ALPHA.id, "ana@example.com", "agent")
    with pytest.raises(Conflict, match="invitation_open"):
        invitations.invite(ALPHA.id, "ANA@example.com", "admin")


def test_an_expired_invitation_frees_its_seat_and_makes_room_for_a_new_one(public) -> None:
    limit_seats(1)
    row = invitations.invite(ALPHA.id, "ana@example.com", "agent")
    assert seats.seats_of(ALPHA.id).is_full
    Invitation.objects.filter(pk=row.pk).update(expires_at=timezone.now() - timedelta(minutes=1))
    assert not seats.seats_of(ALPHA.id).is_full
    again = invitations.invite(ALPHA.id, "ana@example.com", "viewer")
    (shown,) = invitations.open_invitations(ALPHA.id)
    assert shown.id == again.pk


def test_sending_again_ends_the_links_of_earlier_letters(roomy) -> None:
    row = invitations.invite(ALPHA.id, "ana@example.com", "agent")
    old = invitations.token_of(row)
    with pytest.raises(Conflict, match="invitation_just_sent"):
        invitations.resend(ALPHA.id, row.pk)
    Invitation.objects.filter(pk=row.pk).update(sent_at=timezone.now() - timedelta(minutes=2))
    row = invitations.resend(ALPHA.id, row.pk)
    with pytest.raises(Conflict, match="invitation_replaced"):
        invitations.read(old, tenant_id=ALPHA.id)
    assert invitations.read(invitations.token_of(row), tenant_id=ALPHA.id).pk == row.pk


def test_sending_an_expired_one_again_needs_a_free_seat(public) -> None:
    limit_seats(1)
    row = invitations.invite(ALPHA.id, "ana@example.com", "agent")
    long_ago = timezone.now() - timedelta(days=8)
    Invitation.objects.filter(pk=row.pk).update(expires_at=long_ago, sent_at=long_ago)
    factories.make_member("agent")
    with pytest.raises(LimitReached):
        invitations.resend(ALPHA.id, row.pk)


def test_each_reason_for_a_dead_link_has_its_own_code(roomy) -> None:
    def code(token: str) -> str:
        with pytest.raises(DomainError) as raised:
            invitations.accept(token, tenant_id=ALPHA.id, name="Ana", password=PASSWORD)
        return str(raised.value.code)

    used, revoked, late = (
        invitations.invite(ALPHA.id, f"{name}@example.com", "agent")
        for name in ("used", "revoked", "late")
    )
    invitations.accept(
        invitations.token_of(used), tenant_id=ALPHA.id, name="Ana", password=PASSWORD
    )
    invitations.revoke(ALPHA.id, revoked.pk)
    Invitation.objects.filter(pk=late.pk).update(expires_at=timezone.now())
    assert code(invitations.token_of(used)) == "invitation_used"
    assert code(invitations.token_of(revoked)) == "invitation_revoked"
    assert code(invitations.token_of(late)) == "invitation_expired"
    assert code("nonsense") == "invitation_unknown"
    # In the middle of the signature: of its last letter some bits mean nothing.
    token = invitations.token_of(used)
    forged = token[:-9] + ("B" if token[-9] == "A" else "A") + token[-8:]
    assert code(forged) == "invitation_unknown"


def test_the_link_of_one_company_opens_nothing_at_another(roomy) -> None:
    row = invitations.invite(ALPHA.id, "ana@example.com", "agent")
    with pytest.raises(NotFound):
        invitations.read(invitations.token_of(row), tenant_id=BETA.id)
    with pytest.raises(NotFound):
        invitations.revoke(BETA.id, row.pk)


def test_another_persons_account_cannot_take_the_seat(roomy) -> None:
    row = invitations.invite(ALPHA.id, "ana@example.com", "agent")
    other = factories.make_user(email="bia@example.com")
    with pytest.raises(NotAllowed, match="invitation_other_person"):
        invitations.accept(invitations.token_of(row), tenant_id=ALPHA.id, user=other)


def test_the_letter_alone_does_not_open_an_account_that_exists(roomy) -> None:
    factories.make_user(email="ana@example.com")
    row = invitations.invite(ALPHA.id, "ana@example.com", "agent")
    with pytest.raises(Conflict, match="account_exists"):
        invitations.accept(
            invitations.token_of(row), tenant_id=ALPHA.id, name="Eve", password=PASSWORD
        )
    assert not User.objects.get(email="ana@example.com").check_password(PASSWORD)


def test_somebody_who_left_comes_back_by_invitation(roomy) -> None:
    member = factories.make_member("admin", is_active=False, deactivated_at=timezone.now())
    row = invitations.invite(ALPHA.id, member.user.email, "agent")
    invitations.accept(invitations.token_of(row), tenant_id=ALPHA.id, user=member.user)
    member.refresh_from_db()
    assert (member.role, member.is_active, member.deactivated_at) == ("agent", True, None)


def test_a_weak_password_or_a_misleading_name_takes_nothing(roomy) -> None:
    row = invitations.invite(ALPHA.id, "ana@example.com", "agent")
    token = invitations.token_of(row)
    for name, password in (
        ("Ana", "short"),
        ("Ana", "evosense2026!"),
        ("http://x.example", PASSWORD),
    ):
        with pytest.raises(DomainError):
            invitations.accept(token, tenant_id=ALPHA.id, name=name, password=password)
    assert invitations.read(token, tenant_id=ALPHA.id).state == "open"
    assert not User.objects.filter(email="ana@example.com").exists()


def test_a_smaller_plan_keeps_late_guests_out(public) -> None:
    limit_seats(2)
    row = invitations.invite(ALPHA.id, "ana@example.com", "agent")
    factories.make_member("owner")
    limit_seats(1)
    with pytest.raises(LimitReached):
        invitations.accept(
            invitations.token_of(row), tenant_id=ALPHA.id, name="Ana", password=PASSWORD
        )
    assert invitations.read(invitations.token_of(row), tenant_id=ALPHA.id).state == "open"


def test_fifty_invitations_at_once_on_the_last_seat_have_one_winner(committed) -> None:
    with public_scope():
        limit_seats(2)
        factories.make_member("owner")

    def try_one(number: int) -> str:
        try:
            invitations.invite(ALPHA.id, f"guest{number}@example.com", "agent")
        except LimitReached as error:
            return str(error.code)
        return "invited"

    outcomes = run_threads([partial(try_one, number) for number in range(50)])
    assert sorted(outcomes) == ["invited"] + ["seats_taken"] * 49
    with public_scope():
        assert Invitation.objects.count() == 1
        assert AuditEntry.objects.filter(action="member.invited").count() == 1


def test_twenty_clicks_on_one_invitation_make_one_member(committed) -> None:
    with public_scope():
        limit_seats(None)
        row = invitations.invite(ALPHA.id, "ana@example.com", "agent")
    token = invitations.token_of(row)

    def try_one() -> str:
        try:
            invitations.accept(token, tenant_id=ALPHA.id, name="Ana", password=PASSWORD)
        except DomainError as error:
            return str(error.code)
        return "joined"

    outcomes = run_threads([try_one] * 20)
    assert outcomes.count("joined") == 1
    assert set(outcomes) <= {"joined", "invitation_used", "account_exists"}
    with public_scope():
        assert User.objects.filter(email="ana@example.com").count() == 1
        assert Membership.objects.filter(user__email="ana@example.com").count() == 1


class TestPage:
    @pytest.fixture
    def row(self, roomy) -> Invitation:
        owner = factories.make_member("owner", user=factories.make_user(name="Dona Vera"))
        with acting(actor_of(owner)):
            return invitations.invite(ALPHA.id, "ana@example.com", "supervisor")

    def address(self, row: Invitation) -> str:
        return f"/convite/{invitations.token_of(row)}/"

    def test_a_new_person_sees_who_invites_and_lands_inside(self, row) -> None:
        browser = factories.anonymous_client()
        page = browser.get(self.address(row))
        assert page.status_code == 200
        assert "Dona Vera" in page.content.decode()
        assert "no-store" in page["Cache-Control"]
        answer = browser.post(self.address(row), {"name": "Ana Prado", "password": PASSWORD})
        assert (answer.status_code, answer["Location"]) == (302, "/")
        assert browser.get("/").status_code == 200
        assert browser.get(self.address(row)).status_code == 410

    def test_reading_the_page_takes_nothing(self, row) -> None:
        for _look in range(3):
            factories.anonymous_client().get(self.address(row))
        assert Invitation.objects.get(pk=row.pk).state == "open"

    def test_somebody_with_an_account_shows_its_password(self, row) -> None:
        factories.make_user(email="ana@example.com")
        browser = factories.anonymous_client()
        wrong = browser.post(self.address(row), {"password": "not the password"})
        assert wrong.status_code == 422
        assert not Membership.objects.filter(user__email="ana@example.com").exists()
        right = browser.post(self.address(row), {"password": factories.PASSWORD})
        assert (right.status_code, right["Location"]) == (302, "/")
        assert browser.get("/").status_code == 200

    def test_whoever_is_logged_in_as_somebody_else_is_told_so(self, row) -> None:
        browser = factories.client_for("agent")
        page = browser.get(self.address(row))
        assert page.status_code == 403
        assert "ana@example.com" not in page.content.decode()
        assert browser.post(self.address(row), {}).status_code == 403
        assert Invitation.objects.get(pk=row.pk).state == "open"

    def test_a_mistake_is_shown_beside_its_field(self, row) -> None:
        answer = factories.anonymous_client().post(
            self.address(row), {"name": "Ana", "password": "short"}
        )
        assert answer.status_code == 422
        assert 'id="id_password-error"' in answer.content.decode()

    @pytest.mark.parametrize("token", ["x", "x" * 500, "%00", "..%2f..%2f", "ж.я"])
    def test_nonsense_is_a_page_that_says_so(self, roomy, token) -> None:
        assert factories.anonymous_client().get(f"/convite/{token}/").status_code == 404
