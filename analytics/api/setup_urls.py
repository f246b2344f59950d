from django.urls import path

from analytics.api.providers import (
    PriceDetail,
    PriceList,
    ProviderDetail,
    ProviderList,
    ProviderTest,
)

_PROVIDER = "providers/<uuid:provider_id>"

urlpatterns = [
    path("providers", ProviderList.as_view()),
    path(_PROVIDER, ProviderDetail.as_view()),
    path(f"{_PROVIDER}/test", ProviderTest.as_view()),
    path(f"{_PROVIDER}/prices", PriceList.as_view()),
    path(f"{_PROVIDER}/prices/<int:price_id>", PriceDetail.as_view()),
]
