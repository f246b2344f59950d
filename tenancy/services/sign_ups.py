"""Signing up: a row and a letter first; everything else once the letter's reader says so.

Whether an address has an account is told only to whoever reads its letters: a known address gets
another letter and an otherwise equal row. An e-mail's limits are counted in PostgreSQL, so that
neither a Redis flush nor another address of the network forgives them.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Conflict, Invalid, NotAllowed, NotFound
from evosense.core.ids import random_base62
from evosense.core.schema import public_scope
from tenancy.models import Mail, Membership, SignUp, Tenant, User
from tenancy.services import audit, links, mail, names, people, slugs, tenants
from tenancy.services.kick import kick

PURPOSE = "sign-up"
GOOD_FOR = timedelta(hours=24)
# Rows an hour and letters in all for one address: nobody's mailbox is filled by strangers.
AN_HOUR = 3
LETTERS = 5
LETTER_EVERY = timedelta(minutes=1)
KEEP_WAITING = timedelta(days=7)
KEEP_CONFIRMED = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody typed into the form."""

    name: str
    company: str
    slug: str
    email: str
    password: str
    locale: str = ""


def begin(wish: Wish) -> SignUp | None:
    """Store the wish and send the letter; None when this address has had enough for an hour.

    The caller answers both in the same way.
    """
    wish = _checked(wish)
    known = people.find_user(wish.email)
    # Hashed for known addresses too: the time to answer must not tell them from others.
    password = make_password(wish.password)
    with public_scope(), transaction.atomic():
        since = timezone.now() - timedelta(hours=1)
        if SignUp.objects.filter(email=wish.email, created_at__gt=since).count() >= AN_HOUR:
            return None
        row = SignUp.objects.create(
            email=wish.email,
            name=wish.name,
            company=wish.company,
            slug=wish.slug,
            password="" if known else password,
            nonce=random_base62(links.NONCE_LENGTH),
            locale=wish.locale,
            expires_at=timezone.now() + GOOD_FOR,
        )
        _send(row)
    return row


def resend(sign_up_id: UUID) -> bool:
    """Send the letter again and give it another day; False when not now or not any more."""
    with public_scope(), transaction.atomic():
        row = SignUp.objects.select_for_update().filter(pk=sign_up_id).first()
        if row is None or row.state != SignUp.State.WAITING:
            return False
        sent = _letters_of(row)
        if sent.count() >= LETTERS:
            return False
        if sent.filter(created_at__gt=timezone.now() - LETTER_EVERY).exists():
            return False
        row.expires_at = timezone.now() + GOOD_FOR
        row.save(update_fields=["expires_at"])
        _send(row)
    return True


def token_of(row: SignUp) -> str:
    """Return the token of the sign-up's letter."""
    return links.row_token(PURPOSE, row.pk, row.nonce)


def read(token: str) -> SignUp:
    """Return the sign-up of a letter, in whatever state; raise NotFound when there is none."""
    found = links.read_row_token(PURPOSE, token)
    with public_scope():
        rows = SignUp.objects.select_related("tenant")
        row = rows.filter(pk=found[0], nonce=found[1]).first() if found else None
    if row is None:
        raise NotFound("sign_up_unknown", _("This link is not complete, or it is too old."))
    return row


def is_expired(row: SignUp) -> bool:
    """Tell whether the letter's day is over."""
    return row.state == SignUp.State.WAITING and row.expires_at <= timezone.now()


def needs_password(row: SignUp) -> bool:
    """Tell whether confirming makes an account, which has no password of its own yet."""
    return people.find_user(row.email) is None


def confirm(token: str, *, slug: str, password: str | None) -> SignUp:
    """Make the company, its owner and its address, once; the second click finds it done.

    `password` None keeps the one of the form, for the browser that filled it in. Any other browser
    must bring one: else a stranger who signs up with somebody's address would know the password of
    the account that its owner confirms.
    """
    seen = read(token)
    with public_scope(), transaction.atomic():
        row = SignUp.objects.select_for_update(of=("self",)).get(pk=seen.pk)
        if row.state == SignUp.State.CONFIRMED:
            return row
        if is_expired(row):
            raise Conflict("sign_up_expired", _("This link has expired."))
        owner = _owner(row, password)
        tenant = tenants.open_trial(
            name=row.company, slug=slug or row.slug, timezone=row.timezone, locale=row.locale
        )
        _settle(row, tenant, owner)
    kick("tenancy.provision_tenant", tenant_id=str(tenant.pk))
    return row


def retry(token: str) -> None:
    """Try once more to prepare a company whose preparation failed."""
    row = read(token)
    if row.tenant_id and tenants.retry_provisioning(row.tenant_id):
        kick("tenancy.provision_tenant", tenant_id=str(row.tenant_id))


def purge() -> int:
    """Forget what was never confirmed after a week, and what was after a month."""
    now = timezone.now()
    with public_scope():
        waiting = SignUp.objects.filter(
            state=SignUp.State.WAITING, created_at__lt=now - KEEP_WAITING
        )
        confirmed = SignUp.objects.filter(
            state=SignUp.State.CONFIRMED, confirmed_at__lt=now - KEEP_CONFIRMED
        )
        return waiting.delete()[0] + confirmed.delete()[0]


def _checked(wish: Wish) -> Wish:
    name = names.clean_name(wish.name, field="name", length=120)
    company = names.clean_name(wish.company, field="company", length=160)
    slug = slugs.check(wish.slug)
    email = people.checked_email(wish.email)
    people.check_password(wish.password, User(email=email, name=name), (company, slug))
    return Wish(name, company, slug, email, wish.password, wish.locale)


def _owner(row: SignUp, password: str | None) -> User:
    known = people.find_user(row.email)
    people.reopen_stray(known)
    if known and not known.is_active:
        raise NotAllowed("account_closed", _("The account of this e-mail is closed."))
    if known:
        people.mark_verified(known)
        return known
    stored = row.password if password is None else _hashed(row, password)
    if not stored:
        raise Invalid("password_missing", _("Choose a password."), field="password")
    # Two sign-ups of one address may be confirmed at once: the account is made by one of them.
    owner, _made = User.objects.get_or_create(
        email=row.email, defaults={"name": row.name, "password": stored, "locale": row.locale}
    )
    people.mark_verified(owner)
    return owner


def _hashed(row: SignUp, password: str) -> str:
    people.check_password(password, User(email=row.email, name=row.name), (row.company, row.slug))
    return make_password(password)


def _settle(row: SignUp, tenant: Tenant, owner: User) -> None:
    audit.record(
        "tenant.created",
        object_type="tenant",
        object_id=tenant.pk,
        object_label=tenant.name,
        changes={"address": [None, tenant.slug], "plan": [None, tenant.plan]},
        tenant_id=tenant.pk,
    )
    people.join(tenant_id=tenant.pk, user=owner, role=Membership.Role.OWNER)
    row.state, row.tenant, row.slug = SignUp.State.CONFIRMED, tenant, tenant.slug
    row.confirmed_at, row.password = timezone.now(), ""
    row.save(update_fields=["state", "tenant", "slug", "confirmed_at", "password"])


def _send(row: SignUp) -> None:
    known = people.find_user(row.email)
    mail.post(
        "sign_up_known" if known else "sign_up_confirm",
        to=row.email,
        object_id=row.pk,
        locale=(known.locale if known else "") or row.locale,
    )


def _letters_of(row: SignUp) -> QuerySet[Mail]:
    kinds = ["sign_up_confirm", "sign_up_known"]
    return Mail.objects.filter(kind__in=kinds, object_id=str(row.pk))
