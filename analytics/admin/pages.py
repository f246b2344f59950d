"""Every page of this app on the operators' site; importing it registers them."""

from django.apps import apps
from django.utils.translation import gettext_lazy as _

from analytics.admin import providers
from analytics.providers.models import Provider
from tenancy.admin.navigation import add_group
from tenancy.admin.words import say

__all__ = ["providers"]

say(Provider, _("AI provider"), _("AI providers"))
apps.get_app_config("providers").verbose_name = _("Analysis")
add_group(_("Analysis"), [(_("AI providers"), "psychology", "admin:providers_provider_changelist")])
