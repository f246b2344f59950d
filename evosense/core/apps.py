import structlog
from django.apps import AppConfig
from django.conf import settings

logger = structlog.get_logger(__name__)


class CoreConfig(AppConfig):
    name = "evosense.core"
    label = "core"

    def ready(self) -> None:
        from evosense import celery, telemetry  # noqa: F401, PLC0415  (binds tasks everywhere)
        from evosense.core import checks, role_check  # noqa: F401, PLC0415  (registers the checks)
        from evosense.core.backlog import register_backlog, unpublished_events  # noqa: PLC0415

        self._name_sealed_columns()
        telemetry.start()
        role_check.watch()
        register_backlog("outbox", unpublished_events)
        self._tell_what_is_open()

    def _name_sealed_columns(self) -> None:
        from evosense.core.idempotency import PLACE  # noqa: PLC0415
        from evosense.core.sealed import SealedColumn, register_sealed  # noqa: PLC0415

        register_sealed(SealedColumn("core.AnsweredRequest", "answer", PLACE, owner="tenant_id"))

    def _tell_what_is_open(self) -> None:
        if settings.EGRESS.opened and not settings.IS_LOCAL:
            logger.warning("egress_opened", networks_and_places=settings.EGRESS.opened)
