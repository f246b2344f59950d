"""The operators' site as a whole: every app's pages, and a first page that asks them all."""

from tenancy.admin import pages as tenancy_pages
from tenancy.admin.site import operator_site

__all__ = ["operator_site", "tenancy_pages"]
