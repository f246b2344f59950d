from django.urls import path

from tenancy.views import workspaces

app_name = "public"

urlpatterns = [path("", workspaces.find, name="find-workspace")]
