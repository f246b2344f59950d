"""A company's choices about analysis; without a row the defaults hold."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from analytics.events import SearchSpaceChosen
from analytics.models import AiSettings
from analytics.providers.price_list import CURRENCIES
from analytics.providers.refs import can_ask
from analytics.providers.rows import provider_rows
from evosense.core.errors import Invalid
from evosense.core.outbox import emit
from tenancy.services import audit

_SHARES = ("experiments_share", "conversations_share")
_LIMITS = ("token_limit", "cost_limit_micros")
# What decides by whose model messages are placed for the search.
_PLACES = frozenset({"embeds_remotely", "provider_id"})
_MOST = 10**15
_FIELDS = frozenset(
    {
        "engine", "provider_id", "redacts", "analyses_received", "analyses_sent",
        "analyses_groups", "analyses_closed", "takes_short_cut", "token_limit",
        "cost_limit_micros", "currency", "experiments_share", "conversations_share",
        "embeds_remotely", "transcribes",
    }
)  # fmt: skip


def ai_settings() -> AiSettings:
    """Return the choices of the active company, the defaults where it made none."""
    return AiSettings.objects.filter(pk=1).first() or AiSettings()


def save_settings(**changes: Any) -> AiSettings:
    """Change some of the choices and note who did; raises Invalid with the field at fault.

    A provider has to be chosen before it can be the engine, and must be one that may be asked.
    """
    for name in set(changes) - _FIELDS:
        raise Invalid("unknown_field", _("There is no such field."), field=name)
    with transaction.atomic():
        AiSettings.objects.bulk_create([AiSettings()], ignore_conflicts=True)
        row = AiSettings.objects.select_for_update().get(pk=1)
        before = {name: getattr(row, name) for name in changes}
        for name, value in changes.items():
            setattr(row, name, value)
        _check(row)
        changed = {name: old for name, old in before.items() if old != changes[name]}
        if changed:
            row.save(update_fields=[*changed, "updated_at"])
            audit.record(
                "analysis.settings_changed",
                object_type="ai_settings",
                changes={
                    name: [_shown(old), _shown(changes[name])] for name, old in changed.items()
                },
            )
        if not _PLACES.isdisjoint(changed):
            emit(SearchSpaceChosen())
    return row


def _check(row: AiSettings) -> None:
    if row.engine not in AiSettings.Engine.values:
        raise Invalid("invalid", _("Choose one of the engines."), field="engine")
    _check_provider(row)
    for name in _SHARES:
        if not 0 <= getattr(row, name) <= 100:
            raise Invalid("out_of_range", _("From 0 to 100 percent."), field=name)
    for name in _LIMITS:
        value = getattr(row, name)
        if value is not None and not 0 <= value <= _MOST:
            raise Invalid("out_of_range", _("This limit is too large or negative."), field=name)
    if row.currency not in CURRENCIES:
        message = _("Choose one of these: %(names)s.") % {"names": ", ".join(CURRENCIES)}
        raise Invalid("invalid", message, field="currency")


def _check_provider(row: AiSettings) -> None:
    is_judge = row.engine == AiSettings.Engine.PROVIDER
    needs_one = is_judge or row.embeds_remotely or row.transcribes
    if row.provider_id is None and needs_one:
        raise Invalid("required", _("Choose a provider first."), field="provider_id")
    if row.provider_id is not None and not can_ask(row.provider_id):
        message = _("This provider does not exist or cannot be asked.")
        raise Invalid("invalid", message, field="provider_id")
    if is_judge and not _has_model(row.provider_id, "chat_model"):
        message = _("This provider has no model for judgements. Name one there first.")
        raise Invalid("no_chat_model", message, field="provider_id")
    if row.embeds_remotely and not _has_model(row.provider_id, "embedding_model"):
        message = _("This provider has no model for the search by meaning. Name one there first.")
        raise Invalid("no_embedding_model", message, field="embeds_remotely")
    if row.transcribes and not _has_model(row.provider_id, "transcription_model"):
        message = _("This provider has no model for recordings. Name one there first.")
        raise Invalid("no_transcription_model", message, field="transcribes")


def _has_model(provider_id: UUID | None, column: str) -> bool:
    chosen = provider_rows().filter(pk=provider_id) if provider_id else provider_rows().none()
    return chosen.exclude(**{column: ""}).exists()


def _shown(value: Any) -> Any:
    return value if isinstance(value, str | int | bool | None) else str(value)
