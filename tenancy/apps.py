from django.apps import AppConfig


class TenancyConfig(AppConfig):
    name = "tenancy"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in  # noqa: PLC0415

        from evosense.core.shell import register_link  # noqa: PLC0415
        from tenancy import (  # noqa: PLC0415
            audit_catalogue,
            audit_house,
            checks,  # noqa: F401  (registers the system checks)
            navigation,
        )

        register_link("workspaces", "account:workspaces")
        register_link("events", "account:stream-address")
        register_link("language", "account:preferences")
        register_link("profile", "account:profile")
        navigation.register()
        audit_catalogue.register()
        audit_house.register()
        from tenancy.sealing import register_sealed_columns  # noqa: PLC0415
        from tenancy.services.account_letters import register_account_letters  # noqa: PLC0415
        from tenancy.services.letters import register_letters  # noqa: PLC0415
        from tenancy.services.life_letters import register_life_letters  # noqa: PLC0415
        from tenancy.services.sessions import note_proof  # noqa: PLC0415
        from tenancy.services.support_letters import register_support_letters  # noqa: PLC0415

        register_letters()
        register_support_letters()
        register_account_letters()
        register_life_letters()
        user_logged_in.connect(note_proof, dispatch_uid="tenancy.note_proof")
        register_sealed_columns()
