from django.apps import AppConfig


class TenancyConfig(AppConfig):
    name = "tenancy"

    def ready(self) -> None:
        from tenancy import checks  # noqa: F401, PLC0415  (registers the system checks)
