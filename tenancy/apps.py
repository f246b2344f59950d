from django.apps import AppConfig


class TenancyConfig(AppConfig):
    name = "tenancy"

    def ready(self) -> None:
        from evosense.core.shell import register_link  # noqa: PLC0415
        from tenancy import checks  # noqa: F401, PLC0415  (registers the system checks)

        register_link("workspaces", "account:workspaces")
        register_link("events", "account:stream-address")
        register_link("language", "account:preferences")
