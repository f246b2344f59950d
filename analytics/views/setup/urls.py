from django.urls import path

from analytics.views.setup import ai_settings, provider_page, providers, usage

_PROVIDER = "provedores/<uuid:provider_id>/"

urlpatterns = [
    path("", ai_settings.ai_settings_page, name="ai-settings"),
    path(
        "avisos/<int:notice_id>/fechar/",
        ai_settings.notice_close,
        name="ai-settings-notice-close",
    ),
    path("uso/", usage.usage_page, name="ai-settings-usage"),
    path("uso/csv/", usage.usage_csv, name="ai-settings-usage-csv"),
    path("provedores/", providers.provider_list, name="ai-providers"),
    path("provedores/novo/", providers.provider_new, name="ai-providers-new"),
    path(_PROVIDER, provider_page.provider_detail, name="ai-providers-detail"),
    path(f"{_PROVIDER}editar/", providers.provider_edit, name="ai-providers-edit"),
    path(f"{_PROVIDER}testar/", provider_page.provider_test, name="ai-providers-test"),
    path(f"{_PROVIDER}remover/", providers.provider_remove, name="ai-providers-remove"),
    path(
        f"{_PROVIDER}chave/remover/",
        providers.provider_forget_key,
        name="ai-providers-forget-key",
    ),
    path(f"{_PROVIDER}precos/", provider_page.price_set, name="ai-providers-price"),
    path(
        f"{_PROVIDER}precos/<int:price_id>/remover/",
        provider_page.price_remove,
        name="ai-providers-price-remove",
    ),
]
