"""The form of the AI settings. Rules that must hold are the services'."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from analytics.models import AiSettings
from evosense.core.number_fields import WrittenDecimal, WrittenInteger
from messaging.forms import ServiceForm

MICROS = 1_000_000
_SWITCHES = (
    "redacts", "analyses_received", "analyses_sent", "analyses_groups", "analyses_closed",
    "takes_short_cut", "embeds_remotely", "transcribes",
)  # fmt: skip


class AiSettingsForm(ServiceForm):
    engine = forms.ChoiceField(label=_("Who judges"), choices=AiSettings.Engine.choices)
    provider_id = forms.UUIDField(label=_("Provider"), required=False)
    analyses_received = forms.BooleanField(required=False)
    analyses_sent = forms.BooleanField(required=False)
    analyses_groups = forms.BooleanField(required=False)
    analyses_closed = forms.BooleanField(required=False)
    takes_short_cut = forms.BooleanField(required=False)
    embeds_remotely = forms.BooleanField(required=False)
    transcribes = forms.BooleanField(required=False)
    redacts = forms.BooleanField(required=False)
    confirms_sharing = forms.BooleanField(required=False)
    token_limit = WrittenInteger(
        label=_("Tokens a month"), min_value=0, max_value=10**15, required=False
    )
    cost_limit = WrittenDecimal(
        label=_("Money a month"), min_value=0, max_digits=9, decimal_places=2, required=False
    )
    experiments_share = WrittenInteger(label=_("Share of experiments"), min_value=0, max_value=100)
    conversations_share = WrittenInteger(
        label=_("Share of conversations"), min_value=0, max_value=100
    )

    def refuse(self, error: Any) -> None:
        """Show a refusal beside the field that people see for it."""
        if error.field == "cost_limit_micros":
            self.add_error("cost_limit", str(error.message))
        else:
            super().refuse(error)

    def changes(self) -> dict[str, Any]:
        """Return the columns that the form speaks of."""
        values = dict(self.cleaned_data)
        values.pop("confirms_sharing")
        limit: Decimal | None = values.pop("cost_limit")
        values["cost_limit_micros"] = None if limit is None else int(limit * MICROS)
        return values


def initial_of(row: AiSettings) -> dict[str, Any]:
    """Return what the form shows of stored choices."""
    limit = row.cost_limit_micros
    return {
        "engine": row.engine,
        "provider_id": row.provider_id,
        "token_limit": row.token_limit,
        "cost_limit": None if limit is None else Decimal(limit) / MICROS,
        "experiments_share": row.experiments_share,
        "conversations_share": row.conversations_share,
        **{name: getattr(row, name) for name in _SWITCHES},
    }
