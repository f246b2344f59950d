from django.urls import include, path

from tenancy import urls_account, urls_front_door
from tenancy.views import support

account_patterns = ([*urls_account.urlpatterns, *urls_front_door.urlpatterns], "account")

urlpatterns = [
    path("", include(account_patterns)),
    path("suporte/entrar/", support.enter, name="support-enter"),
    path("suporte/encerrar/", support.leave, name="support-leave"),
    path("ajustes/", include("tenancy.urls_settings")),
]
