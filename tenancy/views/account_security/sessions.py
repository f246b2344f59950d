"""Where a person is logged in, and ending that."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from tenancy.permissions import MEMBER, requires
from tenancy.services import sessions
from tenancy.views.account_security.common import page, person


@requires(MEMBER)
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """Show where the person is logged in."""
    rows = sessions.listed(person(request), request.session.session_key)
    return page(request, "sessions", {"rows": rows})


@requires(MEMBER)
@require_POST
def end(request: HttpRequest, session: str) -> HttpResponse:
    """End one of the person's sessions."""
    if session == sessions.public_key(request.session.session_key or ""):
        sessions.end(request)
        return redirect("account:login")
    if not sessions.end_one(person(request), session):
        raise Http404
    messages.success(request, _("That log-in has ended."))
    return redirect("account:sessions")


@requires(MEMBER)
@require_POST
def end_others(request: HttpRequest) -> HttpResponse:
    """End every session of the person but this one."""
    keep = request.session.session_key
    count = sessions.end_others(person(request), keep=keep, reason="ended by the person")
    text = ngettext("%(n)d other log-in has ended.", "%(n)d other log-ins have ended.", count)
    messages.success(request, text % {"n": count})
    return redirect("account:sessions")
