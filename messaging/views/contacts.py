"""The contact pages: list, one contact, its name, and merging two into one."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from evosense.core.errors import DomainError
from messaging.forms import ContactNameForm
from messaging.models import Contact
from messaging.selectors import contacts as read
from messaging.selectors.contacts import ContactDetail, ContactFilter
from messaging.services import contacts as services
from messaging.views.common import (
    answers_errors,
    bad_filter,
    fragment_target,
    may,
    render_region,
    sees_numbers,
)
from tenancy.permissions import requires


@requires("contacts.view")
@require_safe
@answers_errors
def contact_list(request: HttpRequest) -> HttpResponse:
    """List the contacts, the one changed last first."""
    kind, q = request.GET.get("tipo", ""), request.GET.get("q", "").strip()[:200]
    if kind and kind not in Contact.Kind.values:
        raise bad_filter("tipo")
    cursor = request.GET.get("cursor") or None
    page = read.contact_page(
        ContactFilter(q=q, kind=kind), cursor=cursor, show_numbers=sees_numbers(request)
    )
    kept = {name: value for name, value in (("q", q), ("tipo", kind)) if value}
    path = reverse("messaging:contact-list")
    context = {
        "rows": page.rows,
        "next_url": f"{path}?{urlencode({**kept, 'cursor': page.next})}" if page.next else "",
        "q": q,
        "kind": kind,
        "kind_links": _kind_links(path, q, kind),
        "is_continued": cursor is not None,
    }
    if not fragment_target(request):
        return render_region(request, "messaging/contact_list.html", context)
    partial = "contact_rows" if cursor else "contact_region"
    return render_region(request, f"messaging/{partial}.html", context)


@requires("contacts.view")
@require_safe
@answers_errors
def contact_detail(request: HttpRequest, contact_id: UUID) -> HttpResponse:
    """Show one contact with addresses, conversations, groups and merges."""
    detail = read.contact_detail(contact_id, show_numbers=sees_numbers(request))
    if detail.person.id != contact_id:
        return redirect("messaging:contact-detail", detail.person.id)
    return _detail_page(request, detail, ContactNameForm(initial=_name_initial(detail)))


@requires("contacts.edit")
@require_POST
@answers_errors
def contact_rename(request: HttpRequest, contact_id: UUID) -> HttpResponse:
    """Give the contact a name of our own, or give it back to WhatsApp."""
    form = ContactNameForm(request.POST)
    if form.is_valid():
        try:
            services.rename_contact(contact_id, name=form.cleaned_data["name"])
        except DomainError as error:
            form.refuse(error)
        else:
            messages.success(request, _("Name saved"))
            return redirect("messaging:contact-detail", contact_id)
    detail = read.contact_detail(contact_id, show_numbers=sees_numbers(request))
    return _detail_page(request, detail, form, status=422)


def _detail_page(
    request: HttpRequest, detail: ContactDetail, form: ContactNameForm, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {
        "detail": detail,
        "person": detail.person,
        "form": form,
        "may_edit": may(request, "contacts.edit"),
        "may_merge": may(request, "contacts.merge"),
    }
    return render_region(request, "messaging/contact_detail.html", context, status)


def _name_initial(detail: ContactDetail) -> dict[str, str]:
    return {"name": detail.person.name if detail.person.is_named else ""}


def _kind_links(path: str, q: str, kind: str) -> list[dict[str, Any]]:
    choices = [("", _("All")), ("person", _("People")), ("group", _("Groups"))]
    links = []
    for key, label in choices:
        kept = {name: value for name, value in (("q", q), ("tipo", key)) if value}
        url = f"{path}?{urlencode(kept)}" if kept else path
        links.append({"url": url, "label": label, "is_current": key == kind})
    return links
