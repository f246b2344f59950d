"""A provider as whoever asks it holds it: a value of one moment, key included and hidden."""

from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Q

from analytics.providers.capabilities import Capabilities, read_capabilities
from analytics.providers.models import ModelPrice, Provider
from analytics.providers.origins import origin_of
from analytics.providers.rows import key_of, provider_rows
from evosense.core.errors import NotFound
from evosense.core.schema import active_tenant, current_tenant

__all__ = [
    "ProviderRef",
    "ProviderUnavailable",
    "offers",
    "provider_ref",
    "providers_for_tenant",
    "ref_of",
]


class ProviderUnavailable(Exception):  # noqa: N818  (read as a sentence where raised)
    """The provider cannot be asked before somebody changes something.

    Codes: no_provider, provider_inactive, key_missing, key_of_other_host.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class ProviderRef:
    """Where, as whom and how a provider is asked. Keep it no longer than a batch."""

    id: UUID
    name: str
    base_url: str
    chat_model: str
    embedding_model: str
    capabilities: Capabilities
    is_local: bool
    # None: of the house, so its limits are shared by all companies.
    tenant_id: UUID | None
    # The company that asks a provider of the house; None for its own, and for the house itself.
    asker_id: UUID | None = None
    transcription_model: str = ""
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    key: str = field(default="", repr=False)

    @property
    def memory(self) -> str:
        """Return the beginning of this provider's keys in Redis: its owner's, by convention.

        The braces keep all of them in one place of a cluster, as scripts need it.
        """
        owner = f"t:{self.tenant_id}" if self.tenant_id else "g"
        return f"{owner}:ai:{{{self.id}}}"

    def memory_of(self, model: str) -> str:
        """Return the beginning of the keys of what an asker's own wishes may have brought about.

        Of the house's providers that is each company's and each model's own: one company must not
        spoil for the others what all of them use.
        """
        if self.asker_id is None:
            return self.memory
        return f"t:{self.asker_id}:ai:{{{self.id}}}:{model}"


def provider_ref(provider_id: UUID | str | None) -> ProviderRef:
    """Return a provider of the active company or of the house; raises ProviderUnavailable."""
    row = provider_rows().filter(pk=provider_id).first() if provider_id else None
    if row is None:
        raise ProviderUnavailable("no_provider")
    if not row.is_active:
        raise ProviderUnavailable("provider_inactive")
    return ref_of(row)


def ref_of(row: Provider) -> ProviderRef:
    """Return the reference of a row, switched off or not; raises ProviderUnavailable.

    A server without a key is asked without one: those inside the operator's walls often have none.
    """
    key = ""
    if row.key_origin:
        if row.key_origin != origin_of(row.base_url):
            raise ProviderUnavailable("key_of_other_host")
        key = key_of(row) or ""
        # A restored company: keys do not travel with an archive.
        if not key:
            raise ProviderUnavailable("key_missing")
    asker = active_tenant() if row.tenant_id is None else None
    return ProviderRef(
        id=row.pk,
        name=row.name,
        base_url=row.base_url.rstrip("/"),
        chat_model=row.chat_model,
        embedding_model=row.embedding_model,
        transcription_model=row.transcription_model,
        capabilities=read_capabilities(row.capabilities),
        is_local=row.is_local,
        tenant_id=row.tenant_id,
        asker_id=asker.id if asker else None,
        requests_per_minute=row.requests_per_minute,
        tokens_per_minute=row.tokens_per_minute,
        key=key,
    )


def offers(ref: ProviderRef, model: str) -> bool:
    """Tell whether a model may be asked for.

    Of the house's providers only their own and those with a price, by their exact names: the house
    pays, and what does not exist there would be asked for over and over.
    """
    if ref.asker_id is None or model in {ref.chat_model, ref.embedding_model}:
        return True
    rows = provider_rows().filter(pk=ref.id)
    return ModelPrice.objects.filter(provider__in=rows, model=model).exists()


def providers_for_tenant() -> list[Provider]:
    """Return what the active company may ask, its own first, without keys."""
    current_tenant()
    rows = provider_rows().filter(Q(is_active=True) | Q(tenant_id__isnull=False))
    return sorted(rows, key=lambda row: (row.tenant_id is None, row.name.casefold()))


def can_ask(provider_id: UUID) -> bool:
    """Tell whether the active company may choose this provider."""
    try:
        provider_ref(provider_id)
    except (ProviderUnavailable, NotFound):
        return False
    return True
