from django.apps import AppConfig


class ProvidersConfig(AppConfig):
    """Model providers of the house and of companies; keys only ever go to their own host."""

    name = "analytics.providers"
    label = "providers"

    def ready(self) -> None:
        from analytics.providers.models import ModelPrice, Provider  # noqa: PLC0415
        from tenancy.archive.shared import register_shared  # noqa: PLC0415

        # The key is a secret of the company with somebody else: it does not travel.
        register_shared(
            Provider,
            carried=True,
            restored=True,
            yields=True,
            withheld=frozenset({"api_key"}),
        )
        register_shared(ModelPrice, carried=True, restored=True, yields=True)
