from django.urls import include, path

from tenancy import urls_account, urls_front_door

account_patterns = ([*urls_account.urlpatterns, *urls_front_door.urlpatterns], "account")

urlpatterns = [
    path("", include(account_patterns)),
    path("ajustes/", include("tenancy.urls_settings")),
]
