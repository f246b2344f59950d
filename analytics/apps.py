from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    name = "analytics"

    def ready(self) -> None:
        from analytics import audit_catalogue, navigation, subscriptions  # noqa: PLC0415

        subscriptions.register()
        audit_catalogue.register()
        navigation.register()
