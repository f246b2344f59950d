from django.urls import include, path

from tenancy import urls_account, urls_front_door
from tenancy.views import brand, notices, support

account_patterns = ([*urls_account.urlpatterns, *urls_front_door.urlpatterns], "account")

brand_patterns = (
    [
        path("marca.css", brand.style, name="style"),
        path("marca/logo.png", brand.logo, name="logo"),
    ],
    "brand",
)

urlpatterns = [
    path("", include(account_patterns)),
    path("avisos/<uuid:notice_id>/fechar/", notices.dismiss, name="notice-dismiss"),
    path("suporte/entrar/", support.enter, name="support-enter"),
    path("suporte/encerrar/", support.leave, name="support-leave"),
    path("ajustes/", include("tenancy.urls_settings")),
    path("", include(brand_patterns)),
]
