"""A company's choices about analysis; without a row the defaults hold."""

from analytics.models import AiSettings


def ai_settings() -> AiSettings:
    """Return the choices of the active company, the defaults where it made none."""
    return AiSettings.objects.filter(pk=1).first() or AiSettings()
