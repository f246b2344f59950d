"""Setting the switches of the house and what it announces."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_slug
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Invalid, NotFound
from evosense.core.schema import after_commit, public_scope
from tenancy.models import Announcement, AnnouncementSeen, Feature, Tenant
from tenancy.selectors.announcements import forget_announcements
from tenancy.selectors.features import forget_features
from tenancy.services import audit


@dataclass(frozen=True, slots=True)
class News:
    """What an announcement says, to whom and when; no companies means everybody."""

    title: str
    text: str = ""
    url: str = ""
    level: str = Announcement.Level.INFO
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    tenant_ids: tuple[UUID, ...] = ()


def set_feature(
    name: str, *, state: str, tenant_ids: Iterable[UUID] = (), description: str = ""
) -> Feature:
    """Make or change a switch."""
    try:
        validate_slug(name)
    except ValidationError as error:
        raise Invalid("name_invalid", error.message, field="name") from error
    if state not in Feature.State.values:
        raise Invalid("state_unknown", _("There is no such state."), field="state")
    with public_scope(), transaction.atomic():
        before = Feature.objects.select_for_update().filter(pk=name).first()
        was = [before.state, _slugs(before)] if before else ["", ""]
        feature, _created = Feature.objects.update_or_create(
            pk=name, defaults={"state": state, "description": description}
        )
        feature.tenants.set(Tenant.objects.filter(pk__in=list(tenant_ids)))
        changes = {"state": [was[0], state], "tenants": [was[1], _slugs(feature)]}
        audit.record("feature.set", object_type="feature", object_id=name, changes=changes)
        after_commit(forget_features)
    return feature


def remove_feature(name: str) -> None:
    """Forget a switch; what asks for it finds it off."""
    with public_scope(), transaction.atomic():
        feature = Feature.objects.filter(pk=name).first()
        if feature is None:
            raise NotFound("feature_not_found", _("There is no such switch."))
        feature.delete()
        audit.record("feature.removed", object_type="feature", object_id=name)
        after_commit(forget_features)


def announce(news: News, *, announcement_id: UUID | None = None) -> Announcement:
    """Store an announcement, new or changed."""
    values = _checked(news)
    with public_scope(), transaction.atomic():
        if announcement_id:
            row = Announcement.objects.select_for_update().filter(pk=announcement_id).first()
            if row is None:
                raise NotFound("announcement_not_found", _("There is no such announcement."))
            for name, value in values.items():
                setattr(row, name, value)
            row.save(update_fields=list(values))
        else:
            row = Announcement.objects.create(**values)
        row.tenants.set(Tenant.objects.filter(pk__in=news.tenant_ids))
        _note("announcement.changed" if announcement_id else "announcement.made", row)
        after_commit(forget_announcements)
    return row


def withdraw(announcement_id: UUID) -> None:
    """Take an announcement down."""
    with public_scope(), transaction.atomic():
        row = Announcement.objects.filter(pk=announcement_id).first()
        if row is None:
            raise NotFound("announcement_not_found", _("There is no such announcement."))
        _note("announcement.withdrawn", row)
        row.delete()
        after_commit(forget_announcements)


def dismiss(announcement_id: UUID, *, user_id: int, tenant_id: UUID) -> None:
    """Remember that a person closed an announcement meant for the company."""
    with public_scope():
        meant = Announcement.objects.filter(pk=announcement_id)
        mine = meant.filter(tenants=None) | meant.filter(tenants=tenant_id)
        if not mine.exists():
            raise NotFound("announcement_not_found", _("There is no such announcement."))
        AnnouncementSeen.objects.bulk_create(
            [AnnouncementSeen(announcement_id=announcement_id, user_id=user_id)],
            ignore_conflicts=True,
        )


def _checked(news: News) -> dict[str, Any]:
    title = " ".join(news.title.split())
    if not 3 <= len(title) <= 120:
        raise Invalid("title_invalid", _("Use 3 to 120 characters."), field="title")
    if news.url:
        try:
            URLValidator(schemes=["https"])(news.url)
        except ValidationError as error:
            message = _("Use an address that begins with https://.")
            raise Invalid("url_invalid", message, field="url") from error
    if news.starts_at and news.ends_at and news.ends_at <= news.starts_at:
        raise Invalid("end_early", _("The end must be after the start."), field="ends_at")
    values = {
        "title": title,
        "text": news.text.strip()[:600],
        "url": news.url,
        "level": news.level,
        "ends_at": news.ends_at,
    }
    return {**values, "starts_at": news.starts_at} if news.starts_at else values


def _slugs(feature: Feature) -> str:
    return ", ".join(sorted(feature.tenants.values_list("slug", flat=True)))


def _note(action: str, row: Announcement) -> None:
    slugs = Tenant.objects.filter(announcements=row).values_list("slug", flat=True)
    changes = {"tenants": ["", ", ".join(sorted(slugs)) or "*"], "level": ["", row.level]}
    audit.record(
        action,
        object_type="announcement",
        object_id=row.pk,
        object_label=row.title,
        changes=changes,
    )
