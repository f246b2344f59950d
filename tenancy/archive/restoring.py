"""The rows of the shared schema that come back with an archive."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from evosense.core.schema import database_cursor, public_scope
from tenancy.archive import errors, shared
from tenancy.archive.shared import Shared
from tenancy.models import AuditEntry, Feature, Membership, Role, User, WebhookRoute
from tenancy.services import people
from tenancy.services.audit import seal

BATCH = 500
# A line holds one row; the largest is a logo or the permissions of a role.
MOST_LINE = 4 << 20


class Lines:
    """Cuts blocks of any size into JSON objects."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, block: bytes) -> list[dict[str, Any]]:
        """Return the objects that are complete now."""
        *lines, self._rest = (self._rest + block).split(b"\n")
        if len(self._rest) > MOST_LINE:
            raise errors.unexpected("line")
        return [_parsed(line) for line in lines]

    def finish(self) -> None:
        if self._rest:
            raise errors.truncated()


@dataclass
class Restorer:
    """Puts shared rows back for `tenant_id`; they were `origin_id`'s where they come from."""

    tenant_id: UUID
    origin_id: UUID
    # Their user id -> ours.
    people: dict[int, int | None] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    _chain: bytes = bytes(32)
    chain_broken_at: int | None = None

    def take(self, entry: Shared, values: list[dict[str, Any]]) -> None:
        """Store some rows of one table."""
        special: dict[type, Callable[[list[dict[str, Any]]], int]] = {
            Membership: self._members,
            AuditEntry: self._trail,
            WebhookRoute: self._routes,
            Feature.tenants.through: self._features,
        }
        try:
            with public_scope():
                stored = special.get(entry.model, self._plain(entry))(values)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise errors.unexpected(entry.name) from error
        self.counts[entry.name] = self.counts.get(entry.name, 0) + stored

    def _plain(self, entry: Shared) -> Callable[[list[dict[str, Any]]], int]:
        def store(values: list[dict[str, Any]]) -> int:
            rows = [self._row(entry.model, {**value, **entry.arrival}) for value in values]
            manager = entry.model._default_manager  # noqa: SLF001
            return len(manager.bulk_create(rows, ignore_conflicts=entry.yields))

        return store

    def _row(self, model: type[Any], value: dict[str, Any]) -> Any:
        return model(**{**shared.fields_of(model, value), "tenant_id": self.tenant_id})

    def _members(self, values: list[dict[str, Any]]) -> int:
        roles = dict(Role.objects.filter(tenant_id=self.tenant_id).values_list("name", "id"))
        for value in values:
            person, own = value.pop("user"), value.pop("custom_role")
            user = _person(person)
            if value["is_active"]:
                people.reopen_stray(user)
            self.people[int(person["id"])] = user.pk
            row = self._row(Membership, value)
            row.user_id, row.custom_role_id = user.pk, roles[own] if own else None
            row.save(force_insert=True)
        return len(values)

    def _routes(self, values: list[dict[str, Any]]) -> int:
        """Open the same webhook addresses, except those that are somebody's here already."""
        taken = {value["id"] for value in values}
        known = {
            str(pk) for pk in WebhookRoute.objects.filter(pk__in=taken).values_list("pk", flat=True)
        }
        rows = [self._row(WebhookRoute, value) for value in values if value["id"] not in known]
        WebhookRoute.objects.bulk_create(rows)
        with database_cursor() as cursor:
            cursor.execute("NOTIFY webhook_routes")
        return len(rows)

    def _features(self, values: list[dict[str, Any]]) -> int:
        known = set(Feature.objects.values_list("pk", flat=True))
        through = Feature.tenants.through
        names = [value["feature_id"] for value in values if value["feature_id"] in known]
        rows = [through(tenant_id=self.tenant_id, feature_id=name) for name in names]
        return len(through._default_manager.bulk_create(rows))  # noqa: SLF001

    def _trail(self, values: list[dict[str, Any]]) -> int:
        """Store the trail as it was; for another company's id its seals are made anew."""
        entries = list(self._resealed(values))
        AuditEntry.objects.bulk_create(
            # Entries that were never deleted here are the same, or the check of the chain fails.
            entries,
            ignore_conflicts=self.tenant_id == self.origin_id,
        )
        return len(entries)

    def _resealed(self, values: Iterable[dict[str, Any]]) -> Iterable[AuditEntry]:
        for value in values:
            entry = AuditEntry(
                **{**shared.fields_of(AuditEntry, value), "tenant_id": self.origin_id}
            )
            if self.chain_broken_at is None and seal(entry) != entry.hash:
                self.chain_broken_at = entry.number
            if self.tenant_id != self.origin_id:
                entry.tenant_id, entry.previous_hash = self.tenant_id, self._chain
                entry.hash = self._chain = seal(entry)
            yield entry


def _person(person: dict[str, Any]) -> User:
    """Return the account with this e-mail, or a new one that has to ask for a password."""
    email = str(person["email"]).strip().lower()
    known = User.objects.filter(email=email).first()
    if known is not None:
        return known
    names = {name: str(person[name]) for name in ("name", "locale", "timezone")}
    return User.objects.create_user(email, None, **names)


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise errors.unexpected("line") from error
    if not isinstance(value, dict):
        raise errors.unexpected("line")
    return value
