"""The permission table in people's words: what each permission lets somebody do."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from tenancy.permissions import ALL_PERMISSIONS, GRANTABLE_PERMISSIONS, MEMBER


@dataclass(frozen=True, slots=True)
class Permission:
    """One permission as the matrix shows it; `needs` are those without which it is of no use."""

    name: str
    label: Any
    help: Any
    needs: tuple[str, ...] = ()

    @property
    def is_owners_only(self) -> bool:
        return self.name not in GRANTABLE_PERMISSIONS


@dataclass(frozen=True, slots=True)
class PermissionGroup:
    label: Any
    permissions: tuple[Permission, ...]


PERMISSION_TABLE = (
    PermissionGroup(
        _("Conversations and contacts"),
        (
            Permission(
                "overview.view", _("See the overview"), _("Figures and charts of the company")
            ),
            Permission(
                "conversations.view",
                _("See conversations"),
                _("Read what was written, in pages and in searches"),
            ),
            Permission(
                "conversations.reply",
                _("Answer conversations"),
                _("Write to customers and mark as read"),
                needs=("conversations.view",),
            ),
            Permission("contacts.view", _("See contacts"), _("The list of people and groups")),
            Permission(
                "numbers.view",
                _("See customers' numbers"),
                _("Without it all but the last four digits are hidden"),
            ),
            Permission(
                "contacts.edit",
                _("Change contacts"),
                _("Give a contact another name"),
                needs=("contacts.view",),
            ),
            Permission(
                "contacts.merge",
                _("Merge contacts"),
                _("Join two contacts that are one person, and undo it"),
                needs=("contacts.view",),
            ),
        ),
    ),
    PermissionGroup(
        _("Connections"),
        (
            Permission(
                "connections.view", _("See connections"), _("Their state and their history")
            ),
            Permission(
                "connections.manage",
                _("Connect numbers"),
                _("Add and rename connections, make new tokens, refuse events"),
                needs=("connections.view",),
            ),
            Permission(
                "events.view",
                _("See raw events"),
                _("What Evolution sent, with the text of messages"),
                needs=("connections.view",),
            ),
            Permission(
                "events.replay",
                _("Replay raw events"),
                _("Let events that failed be read again"),
                needs=("events.view",),
            ),
        ),
    ),
    PermissionGroup(
        _("Analysis"),
        (
            Permission(
                "labels.review",
                _("Review messages"),
                _("Say how a message is meant, without seeing what was judged"),
                needs=("conversations.view",),
            ),
            Permission(
                "experiments.view",
                _("See prompts and experiments"),
                _("Versions, runs and comparisons, with messages of the sample"),
                needs=("conversations.view",),
            ),
            Permission(
                "experiments.manage",
                _("Run experiments"),
                _("Write prompts, start runs, put a version into production"),
                needs=("experiments.view",),
            ),
            Permission(
                "ai.manage",
                _("Manage analysis"),
                _("Providers, keys, budget, redaction and what is judged"),
            ),
        ),
    ),
    PermissionGroup(
        _("Company"),
        (
            Permission("members.view", _("See people"), _("Who works here, with which role")),
            Permission(
                "members.manage",
                _("Manage people and roles"),
                _("Invite, change roles, deactivate; never beyond one's own permissions"),
                needs=("members.view",),
            ),
            Permission(
                "settings.manage",
                _("Change settings"),
                _("Company, brand, security and support access"),
            ),
            Permission(
                "keys.manage",
                _("Manage API keys"),
                _("Create and end keys for other systems"),
            ),
            Permission(
                "webhooks.manage",
                _("Manage webhooks"),
                _("Choose which other systems are told of events"),
            ),
            Permission(
                "audit.view", _("See the audit"), _("Who changed what, when and from where")
            ),
            Permission("audit.export", _("Export the audit"), _("Only the owner")),
            Permission("billing.manage", _("Plan and billing"), _("Only the owner")),
            Permission("data.export", _("Take all data along"), _("Only the owner")),
            Permission("workspace.delete", _("Delete the company"), _("Only the owner")),
        ),
    ),
)


def permission_groups() -> list[PermissionGroup]:
    """Return the table; a permission that nobody described yet is shown by its name."""
    described = {one.name for group in PERMISSION_TABLE for one in group.permissions}
    rest = sorted(ALL_PERMISSIONS - described - {MEMBER})
    if not rest:
        return list(PERMISSION_TABLE)
    others = tuple(Permission(name, name, "") for name in rest)
    return [*PERMISSION_TABLE, PermissionGroup(_("Others"), others)]


def with_needed(permissions: Iterable[str]) -> frozenset[str]:
    """Return `permissions` and everything that they are of no use without."""
    needs = {one.name: one.needs for group in permission_groups() for one in group.permissions}
    found: set[str] = set()
    waiting = list(permissions)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += needs.get(name, ())
    return frozenset(found)


def labels_of(permissions: Iterable[str]) -> list[str]:
    """Return the words for `permissions`, in the order of the table."""
    wanted = frozenset(permissions)
    return [
        str(one.label)
        for group in permission_groups()
        for one in group.permissions
        if one.name in wanted
    ]
