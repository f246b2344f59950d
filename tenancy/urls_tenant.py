from django.urls import include, path

from tenancy import urls_account

account_patterns = ([*urls_account.urlpatterns], "account")

urlpatterns = [
    path("", include(account_patterns)),
    path("ajustes/", include("tenancy.urls_settings")),
]
