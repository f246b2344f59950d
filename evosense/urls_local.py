"""Pages for whoever develops here, on both kinds of host; included in local use only."""

from django.urls import path

from evosense.local import mailbox_pages

urlpatterns = [
    path("dev/mailbox", mailbox_pages.mailbox, name="dev-mailbox"),
    path("dev/mailbox/empty", mailbox_pages.empty_mailbox, name="dev-mailbox-empty"),
    path("dev/mailbox/<slug:name>/html", mailbox_pages.letter_html, name="dev-mailbox-html"),
]
