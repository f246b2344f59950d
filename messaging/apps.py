from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "messaging"

    def ready(self) -> None:
        from evosense.core.outbox import listen  # noqa: PLC0415
        from messaging.hints import send_hint  # noqa: PLC0415

        listen(send_hint)
