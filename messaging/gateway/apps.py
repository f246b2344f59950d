from django.apps import AppConfig


class GatewayConfig(AppConfig):
    """The way out to Evolution: servers, their REST contract, and the lanes of the numbers."""

    name = "messaging.gateway"
    label = "gateway"

    def ready(self) -> None:
        from messaging.gateway.models import EvolutionServer, Lane  # noqa: PLC0415
        from tenancy.archive.shared import register_shared  # noqa: PLC0415

        # The key opens every instance of the server, so it does not travel.
        register_shared(
            EvolutionServer,
            carried=True,
            restored=True,
            yields=True,
            withheld=frozenset({"api_key"}),
        )
        # What waits may already have left from where it came: a person lets it go on.
        register_shared(
            Lane,
            carried=True,
            restored=True,
            yields=True,
            withheld=frozenset(
                {"state", "reason", "due_at", "lease_until", "holder", "watch_at", "server_id"}
            ),
            arrival={"state": Lane.State.PAUSED, "reason": "restored"},
        )
