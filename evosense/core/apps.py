from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "evosense.core"
    label = "core"

    def ready(self) -> None:
        from evosense import celery, telemetry  # noqa: F401, PLC0415  (binds tasks everywhere)
        from evosense.core import checks  # noqa: F401, PLC0415  (registers the system checks)
        from evosense.core.backlog import register_backlog, unpublished_events  # noqa: PLC0415

        telemetry.start()
        register_backlog("outbox", unpublished_events)
