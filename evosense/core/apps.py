from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "evosense.core"
    label = "core"
