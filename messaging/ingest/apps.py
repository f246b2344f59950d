from django.apps import AppConfig


class IngestConfig(AppConfig):
    name = "messaging.ingest"
    label = "ingest"
