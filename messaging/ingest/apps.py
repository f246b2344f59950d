from django.apps import AppConfig


class IngestConfig(AppConfig):
    name = "messaging.ingest"
    label = "ingest"

    def ready(self) -> None:
        from evosense.core.setup import register_setup_step  # noqa: PLC0415
        from messaging.ingest.partitions import ensure_partitions  # noqa: PLC0415
        from messaging.ingest.portable import STORE  # noqa: PLC0415
        from tenancy.archive.raw import register_raw_store  # noqa: PLC0415

        register_setup_step("partitions", ensure_partitions)
        register_raw_store(STORE)
