"""Adding, changing and removing providers: of the active company, or of the house outside all.

A key belongs to the server it was saved for. Whoever changes the address to another server gives
its key again, or the old one is forgotten: it must not be sent to a stranger.
"""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from analytics.models import AiSettings, Arm, ExperimentRun
from analytics.providers import breaker, limits
from analytics.providers.capabilities import read_capabilities
from analytics.providers.inputs import ProviderFields, checked, checked_key
from analytics.providers.models import Provider
from analytics.providers.origins import origin_of
from analytics.providers.refs import ProviderRef
from analytics.providers.rows import own_row
from analytics.transcribing.jobs import ask_again
from evosense.core.errors import Conflict, Invalid
from evosense.core.schema import active_tenant
from tenancy.services import audit

_COLUMNS = (
    "name", "base_url", "chat_model", "embedding_model", "transcription_model", "country",
    "requests_per_minute", "tokens_per_minute", "is_local", "is_active",
)  # fmt: skip
_RUNNING = (ExperimentRun.Status.RUNNING, ExperimentRun.Status.PAUSED)


def create_provider(*, api_key: str = "", **given: Any) -> Provider:
    """Store a provider; `given` are `ProviderFields`. Test it afterwards, outside transactions.

    Raises Invalid and Conflict. Looks the server's name up: no transaction around it.
    """
    tenant = active_tenant()
    fields = _of_owner(checked(given))
    provider = Provider(tenant_id=tenant.id if tenant else None)
    _fill(provider, fields)
    if api_key.strip():
        _take_key(provider, api_key)
    with _taken(), transaction.atomic():
        provider.save(force_insert=True)
        _note("provider.created", provider, base_url=["", provider.base_url])
    return provider


def update_provider(provider_id: UUID, *, api_key: str = "", **given: Any) -> Provider:
    """Change a provider of one's own; an empty `api_key` keeps the one that is stored.

    Raises NotFound, Invalid (`key_required` when the address now leads to another server) and
    Conflict.
    """
    provider = own_row(provider_id)
    before = {name: getattr(provider, name) for name in _COLUMNS}
    known = {**before, "is_matryoshka": read_capabilities(provider.capabilities).is_matryoshka}
    fields = _of_owner(checked({**known, **given}))
    has_moved = origin_of(fields.base_url) != origin_of(str(before["base_url"]))
    if has_moved and provider.key_origin and not api_key.strip():
        message = _("The address leads to another server. Enter the key for it.")
        raise Invalid("key_required", message, field="api_key")
    _fill(provider, fields)
    changed = [*_COLUMNS, "capabilities", "checked_at", "updated_at"]
    if api_key.strip():
        _take_key(provider, api_key)
        changed += ["api_key", "key_origin", "key_saved_at"]
    with _taken(), transaction.atomic():
        provider.save(update_fields=changed)
        pairs = {name: [before[name], getattr(provider, name)] for name in _COLUMNS}
        _note("provider.changed", provider, **pairs)
        if api_key.strip():
            _note("provider.key_saved", provider)
        if active_tenant() is not None:
            ask_again()
    if api_key.strip() or fields.base_url != before["base_url"]:
        # What stopped the old one says nothing about the new one.
        breaker.close(_for_breaker(provider))
        limits.forget(_for_breaker(provider))
    return provider


def forget_key(provider_id: UUID) -> None:
    """Delete the key that is stored; the provider is asked without one from now on."""
    provider = own_row(provider_id)
    with transaction.atomic():
        Provider.objects.filter(pk=provider.pk).update(
            api_key=None, key_origin="", key_saved_at=None, updated_at=timezone.now()
        )
        _note("provider.key_removed", provider)


def remove_provider(provider_id: UUID) -> None:
    """Forget a provider of one's own that nothing uses, with its key and its prices."""
    provider = own_row(provider_id)
    if active_tenant() is not None:
        _refuse_in_use(provider.pk)
    elif provider.is_active:
        # Which companies chose it is theirs to know; switched off, they see it and choose again.
        message = _("Switch the provider off first, so that companies stop choosing it.")
        raise Conflict("provider_active", message)
    with transaction.atomic():
        if active_tenant() is not None:
            # Chosen, but not in use: with the embedded analyser the choice only waits.
            AiSettings.objects.filter(provider_id=provider.pk).update(provider_id=None)
        _note("provider.removed", provider, base_url=[provider.base_url, ""])
        provider.delete()


def _refuse_in_use(provider_id: UUID) -> None:
    asks = Q(engine=AiSettings.Engine.PROVIDER) | Q(embeds_remotely=True) | Q(transcribes=True)
    if AiSettings.objects.filter(asks, provider_id=provider_id).exists():
        message = _("This provider is in use. Choose another one in the settings first.")
        raise Conflict("provider_in_use", message)
    if Arm.objects.filter(provider_id=provider_id, run__status__in=_RUNNING).exists():
        message = _("A running experiment asks this provider. End it first.")
        raise Conflict("provider_in_use", message)


def _of_owner(fields: ProviderFields) -> ProviderFields:
    """Refuse what only the house may say of its providers."""
    if fields.is_local and active_tenant() is not None:
        message = _("Only the house's own servers are local.")
        raise Invalid("not_local", message, field="is_local")
    return fields


def _fill(provider: Provider, fields: ProviderFields) -> None:
    """Set the columns; what was found out about another server or model is forgotten."""
    was = (provider.base_url, provider.chat_model, provider.embedding_model)
    for name, value in asdict(fields).items():
        if name in _COLUMNS:
            setattr(provider, name, value)
    if was != (provider.base_url, provider.chat_model, provider.embedding_model):
        provider.capabilities, provider.checked_at = {}, None
    provider.capabilities = {**provider.capabilities, "is_matryoshka": fields.is_matryoshka}


def _take_key(provider: Provider, api_key: str) -> None:
    provider.api_key = checked_key(api_key)
    provider.key_origin = origin_of(provider.base_url)
    provider.key_saved_at = timezone.now()


def _for_breaker(provider: Provider) -> ProviderRef:
    return ProviderRef(
        id=provider.pk,
        name=provider.name,
        base_url=provider.base_url,
        chat_model=provider.chat_model,
        embedding_model=provider.embedding_model,
        transcription_model=provider.transcription_model,
        capabilities=read_capabilities(provider.capabilities),
        is_local=provider.is_local,
        tenant_id=provider.tenant_id,
    )


def _note(action: str, provider: Provider, **changes: list[Any]) -> None:
    audit.record(
        action,
        object_type="provider",
        object_id=provider.pk,
        object_label=provider.name,
        changes={name: pair for name, pair in changes.items() if pair[0] != pair[1]},
    )


class _taken:  # noqa: N801  (read as a block, like `suppress`)
    """Turn a broken uniqueness rule into a refusal that names its field."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, IntegrityError) and "providers_provider_unique" in str(error):
            message = _("There is already a provider with this name.")
            raise Conflict("name_taken", message, field="name") from error
