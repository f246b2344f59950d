"""The pages of the settings that belong to analysis."""

from django.utils.translation import gettext_lazy as _

from evosense.core.shell import SettingItem, register_setting

_PAGES = (
    SettingItem(
        "ai-settings",
        "analytics:ai-settings",
        _("Analysis by AI"),
        "integrations",
        order=25,
        permission="ai.manage",
        keywords=_("sentiment, budget, cost, tokens, usage, redaction, LGPD, analysis"),
        note=_("What is analysed, by whom, and for how much"),
        icon="spark",
    ),
    SettingItem(
        "ai-providers",
        "analytics:ai-providers",
        _("AI providers"),
        "integrations",
        order=30,
        permission="ai.manage",
        keywords=_("model, LLM, OpenAI, key, price, embeddings, Ollama, vLLM"),
        note=_("Servers with models, their keys and prices"),
        icon="layers",
    ),
)


def register() -> None:
    for item in _PAGES:
        register_setting(item)
