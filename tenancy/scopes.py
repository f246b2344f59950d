"""The scopes of API keys in people's words, and which permission each stands for."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from tenancy.permissions import SCOPES

EVERYTHING = "all"
READ_LIFE = timedelta(days=365)
WRITE_LIFE = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Scope:
    """`needs` are the permissions that its maker must have: a key reaches no further than them."""

    name: str
    label: Any
    help: Any
    needs: tuple[str, ...]

    @property
    def writes(self) -> bool:
        return writes(self.name)


SCOPE_TABLE = (
    Scope(
        "messages:read",
        _("Read messages"),
        _("Texts, media descriptions and receipts"),
        ("conversations.view", "numbers.view"),
    ),
    Scope(
        "messages:write",
        _("Send messages"),
        _("Send, edit and delete messages, bring files, check numbers"),
        ("conversations.reply",),
    ),
    Scope(
        "conversations:read",
        _("Read conversations"),
        _("Lists and states, with the last message"),
        ("conversations.view", "numbers.view"),
    ),
    Scope(
        "contacts:read",
        _("Read contacts"),
        _("Names and full numbers"),
        ("contacts.view", "numbers.view"),
    ),
    Scope("contacts:write", _("Change contacts"), _("Give names"), ("contacts.edit",)),
    Scope(
        "connections:read",
        _("Read connections"),
        _("States and counters, no secrets"),
        ("connections.view", "numbers.view"),
    ),
    Scope(
        "connections:write",
        _("Manage connections"),
        _("Create, pair and change connections and their servers"),
        ("connections.manage",),
    ),
    Scope(
        "events:read",
        _("Read raw events"),
        _("Everything that Evolution sent"),
        ("events.view", "numbers.view"),
    ),
    Scope(
        "events:write",
        _("Replay raw events"),
        _("Let failed events be read again"),
        ("events.replay",),
    ),
    Scope(
        "webhooks:read",
        _("Read webhooks"),
        _("Which systems are told of events, and what they answered"),
        ("webhooks.manage",),
    ),
    Scope(
        "webhooks:write",
        _("Manage webhooks"),
        _("Create, change and remove them, send tests and repeat deliveries"),
        ("webhooks.manage",),
    ),
    Scope("members:read", _("Read people"), _("Names, e-mails and roles"), ("members.view",)),
    Scope("audit:read", _("Read the audit"), _("Who changed what and when"), ("audit.view",)),
    Scope(
        "search:read",
        _("Search messages"),
        _("By words and by meaning, with their texts"),
        ("conversations.view", "numbers.view"),
    ),
    Scope(
        "analysis:read",
        _("Read judgements"),
        _("Of messages and conversations, and what they cost"),
        ("conversations.view",),
    ),
    Scope(
        "analysis:write",
        _("Ask for judgements"),
        _("Have messages judged again, correct values, change the settings of analysis"),
        ("ai.manage",),
    ),
    Scope(
        "providers:write",
        _("Manage providers"),
        _("Keys, addresses and prices of providers, and what is sent to them"),
        ("ai.manage",),
    ),
    Scope("prompts:read", _("Read prompts"), _("Versions and labels"), ("experiments.view",)),
    Scope(
        "prompts:write",
        _("Write prompts"),
        _("New versions; labels that are not protected"),
        ("experiments.manage",),
    ),
    Scope(
        "experiments:read",
        _("Read experiments"),
        _("Runs and their comparisons"),
        ("experiments.view",),
    ),
    Scope(
        "experiments:write",
        _("Run experiments"),
        _("Create, start, pause and cancel"),
        ("experiments.manage",),
    ),
)


def writes(scope: str) -> bool:
    """Tell whether a key with this scope can change something."""
    return scope == EVERYTHING or scope.endswith(":write")


def life_of(scopes: Iterable[str]) -> timedelta:
    """Return how long a key is good for unless its maker says otherwise."""
    return WRITE_LIFE if any(writes(scope) for scope in scopes) else READ_LIFE


def needed_for(scopes: Iterable[str]) -> frozenset[str]:
    """Return the permissions that whoever makes a key with `scopes` must have."""
    wanted = set(scopes)
    names = set(SCOPES) if EVERYTHING in wanted else wanted
    return frozenset(need for one in SCOPE_TABLE if one.name in names for need in one.needs)
