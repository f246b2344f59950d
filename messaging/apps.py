from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "messaging"

    def ready(self) -> None:
        from django.utils.translation import gettext_lazy as _  # noqa: PLC0415

        from evosense.core.backlog import register_backlog  # noqa: PLC0415
        from evosense.core.handover import register_handover  # noqa: PLC0415
        from evosense.core.outbox import listen, subscribe  # noqa: PLC0415
        from messaging import audit_catalogue, media_tasks, navigation  # noqa: PLC0415
        from messaging.events import MessagesStored  # noqa: PLC0415
        from messaging.hints import send_hint  # noqa: PLC0415
        from messaging.selectors import counts  # noqa: PLC0415
        from messaging.sender import metrics  # noqa: PLC0415
        from messaging.services import drafts  # noqa: PLC0415
        from messaging.services.media import sweeping  # noqa: PLC0415
        from tenancy.db.tickets import Fairly  # noqa: PLC0415

        listen(send_hint)
        register_backlog("ingest", counts.pending_events)
        register_backlog("parked", counts.parked_effects)
        register_backlog("dead", counts.dead_events)
        register_backlog("media", sweeping.waiting)
        register_backlog("outbox", counts.unfinished_sends)
        register_handover(
            "drafts",
            _("Unsent drafts"),
            drafts.begun_by,
            drafts.hand_over,
            _("Nobody: they are deleted"),
        )
        metrics.register()
        subscribe(MessagesStored, Fairly("media", media_tasks.fetch_stored_media))
        self._watch_over()
        self._tell_other_systems()
        navigation.register()
        audit_catalogue.register()

    @staticmethod
    def _watch_over() -> None:
        from evosense.core.outbox import subscribe  # noqa: PLC0415
        from messaging import watch_tasks  # noqa: PLC0415
        from messaging.events import ConnectionStateChanged, GapRepairAsked  # noqa: PLC0415
        from messaging.services.health import alerts, letters, metrics  # noqa: PLC0415
        from tenancy.db.tickets import Fairly  # noqa: PLC0415

        subscribe(ConnectionStateChanged, watch_tasks.follow_state)
        subscribe(GapRepairAsked, Fairly("maintenance", watch_tasks.repair_gap))
        alerts.register_alerts()
        letters.register_letters()
        metrics.register_metrics()

    @staticmethod
    def _tell_other_systems() -> None:
        from evosense.core.backlog import register_backlog  # noqa: PLC0415
        from messaging.services.webhooks_out import claims, disabling, offered  # noqa: PLC0415

        offered.register_offered()
        disabling.register_letter()
        register_backlog("webhooks_out", claims.waiting)
