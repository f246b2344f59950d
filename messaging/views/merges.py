"""Making two contacts one, and taking that apart again."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from evosense.core.errors import DomainError
from messaging.forms import MergeForm
from messaging.selectors import contacts as read
from messaging.selectors.contacts import ContactFilter, ContactRow
from messaging.services import merges
from messaging.views.common import (
    answers_errors,
    fragment_target,
    parse_uuid,
    render_region,
    sees_numbers,
    user_id,
)
from tenancy.permissions import requires

OFFERED = 20


@requires("contacts.merge")
@require_http_methods(["GET", "HEAD", "POST"])
@answers_errors
def contact_merge(request: HttpRequest, contact_id: UUID) -> HttpResponse:
    """Choose another contact, see both side by side, and make them one."""
    winner = read.contact_row(contact_id, show_numbers=sees_numbers(request))
    if request.method == "POST":
        return _merge(request, winner)
    other_id = parse_uuid(request.GET.get("outro", ""), "outro")
    if other_id:
        other = read.contact_row(other_id, show_numbers=sees_numbers(request))
        form = MergeForm(initial={"other": other.person.id})
        return _confirm_page(request, winner, other, form)
    return _choose_page(request, winner)


@requires("contacts.merge")
@require_POST
@answers_errors
def contact_unmerge(request: HttpRequest, contact_id: UUID, merge_id: int) -> HttpResponse:
    """Take a merge apart again."""
    detail = read.contact_detail(contact_id, show_numbers=sees_numbers(request))
    if merge_id not in {merge.pk for merge in detail.merges}:
        return redirect("messaging:contact-detail", contact_id)
    try:
        merges.undo_merge(merge_id, actor_user_id=user_id(request))
    except DomainError as error:
        messages.error(request, str(error.message))
    else:
        messages.success(request, _("The contacts are separate again"))
    return redirect("messaging:contact-detail", contact_id)


def _merge(request: HttpRequest, winner: ContactRow) -> HttpResponse:
    form = MergeForm(request.POST)
    if not form.is_valid() and "other" in form.errors:
        return redirect("messaging:contact-merge", winner.person.id)
    other = read.contact_row(form.cleaned_data["other"], show_numbers=sees_numbers(request))
    if other.person.pk == winner.person.pk:
        # The form came twice: both ids now lead to the one that stayed.
        return redirect("messaging:contact-detail", winner.person.id)
    if form.is_valid():
        try:
            merges.merge_contacts(
                winner_id=winner.person.pk,
                loser_id=other.person.pk,
                reason=form.cleaned_data["reason"] or "manual",
                actor_user_id=user_id(request),
            )
        except DomainError as error:
            form.refuse(error)
        else:
            words = {"loser": other.person.name, "winner": winner.person.name}
            messages.success(request, _("%(loser)s is now part of %(winner)s") % words)
            return redirect("messaging:contact-detail", winner.person.id)
    return _confirm_page(request, winner, other, form, status=422)


def _choose_page(request: HttpRequest, winner: ContactRow) -> HttpResponse:
    q = request.GET.get("q", "").strip()[:200]
    found: list[ContactRow] = []
    if q:
        filters = ContactFilter(q=q, kind=winner.person.kind)
        page = read.contact_page(filters, limit=OFFERED, show_numbers=sees_numbers(request))
        found = [row for row in page.rows if row.person.pk != winner.person.pk]
    context = {"winner": winner, "q": q, "found": found}
    if fragment_target(request):
        return render_region(request, "messaging/contact_merge_found.html", context)
    return render_region(request, "messaging/contact_merge_choose.html", context)


def _confirm_page(
    request: HttpRequest, winner: ContactRow, other: ContactRow, form: MergeForm, status: int = 200
) -> HttpResponse:
    shows = sees_numbers(request)
    context = {
        "winner": read.contact_detail(winner.person.id, show_numbers=shows),
        "other": read.contact_detail(other.person.id, show_numbers=shows),
        "form": form,
    }
    return render_region(request, "messaging/contact_merge_confirm.html", context, status)
