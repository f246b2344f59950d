from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "messaging"

    def ready(self) -> None:
        from evosense.core.backlog import register_backlog  # noqa: PLC0415
        from evosense.core.outbox import listen  # noqa: PLC0415
        from messaging import audit_catalogue, navigation  # noqa: PLC0415
        from messaging.hints import send_hint  # noqa: PLC0415
        from messaging.selectors import counts  # noqa: PLC0415

        listen(send_hint)
        register_backlog("ingest", counts.pending_events)
        register_backlog("parked", counts.parked_effects)
        register_backlog("dead", counts.dead_events)
        navigation.register()
        audit_catalogue.register()
