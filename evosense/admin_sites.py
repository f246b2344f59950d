"""The operators' site as a whole: every app's pages, and a first page that asks them all."""

from evosense.operator_dashboard import dashboard

from tenancy.admin import pages as tenancy_pages  # isort: skip  (the first groups of the side bar)
from messaging.admin import pages as messaging_pages  # isort: skip
from analytics.admin import pages as analytics_pages  # isort: skip
from tenancy.admin.site import operator_site

__all__ = ["analytics_pages", "messaging_pages", "operator_site", "tenancy_pages"]

operator_site.dashboard = dashboard
