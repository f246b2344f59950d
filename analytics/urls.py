from django.urls import path

from analytics.views import overview

app_name = "analytics"

urlpatterns = [path("", overview.overview, name="overview")]
