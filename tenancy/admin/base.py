"""What all operator pages share: they show; what may be done are acts, which call services."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import display

from evosense.core.errors import DomainError
from tenancy.admin.shown import word

# Objects that one confirmed act may be done to.
MOST = 500


@dataclass(frozen=True)
class Act:
    """Something an operator may do to objects: asked for on a page of its own, then confirmed.

    `run(object, cleaned_data)` calls a service, which audits; a DomainError is shown as its reason.
    """

    name: str
    label: Any
    run: Callable[[Any, dict[str, Any]], object]
    form: type[forms.Form] = forms.Form
    applies: Callable[[Any], bool] = lambda _object: True
    note: Any = ""
    is_danger: bool = False
    is_single: bool = False
    icon: str = ""
    # Does it to many objects by one call and returns to how many; else `run` is called for each.
    run_all: Callable[[list[Any], dict[str, Any]], int] | None = None


@dataclass(frozen=True)
class Way:
    """What an act may answer: a link to follow at once, on a host where no form may lead."""

    url: str
    label: Any
    note: Any


class ReadOnly:
    """Operators see everything here and write nothing by forms."""

    def has_module_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


class WordsFilter(admin.ChoicesFieldListFilter):
    """A filter over states, in the language of the page."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "display": word(choice["display"])}


class OperatorAdmin(ReadOnly, ModelAdmin):
    """A list and a page of one kind of object, with its acts."""

    acts: tuple[Act, ...] = ()
    list_per_page = 50
    show_full_result_count = False
    list_filter_submit = True
    compressed_fields = True
    change_form_outer_before_template = "operators/acts.html"
    list_disable_select_all = True

    @display(description=gettext_lazy("State"))
    def state_word(self, thing: Any) -> str:
        return word(thing.get_state_display())

    def log_addition(self, *_arguments: Any) -> None:
        """Leave the log to the services' audit."""

    log_change = log_addition
    log_deletions = log_addition

    def get_urls(self) -> list[Any]:
        act = path(
            "act/<slug:name>/", self.admin_site.admin_view(self.act_view), name=self.act_url_name
        )
        return [act, *super().get_urls()]

    @property
    def act_url_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_act"

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Return the acts that fit several objects; each leads to its page of confirmation."""
        actions: dict[str, Any] = super().get_actions(request)
        for act in self.acts:
            if not act.is_single:
                actions[f"act_{act.name}"] = (_to_page_of(act), f"act_{act.name}", act.label)
        return actions

    def act_url(self, act: Act, ids: Iterable[object]) -> str:
        query = "&".join(f"ids={each}" for each in ids)
        return f"{reverse(f'admin:{self.act_url_name}', args=[act.name])}?{query}"

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        thing = self.get_object(request, object_id) if object_id else None
        found = [act for act in self.acts if thing is not None and act.applies(thing)]
        offered = [(act, self.act_url(act, [object_id])) for act in found]
        context = {**(extra_context or {}), "acts": offered, "show_close": True}
        return super().changeform_view(request, object_id, form_url, context)

    def act_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Ask for what the act needs and do it to every object named."""
        act = next((each for each in self.acts if each.name == name), None)
        ids = (request.POST if request.method == "POST" else request.GET).getlist("ids")
        if act is None or not 0 < len(ids) <= MOST:
            raise Http404
        things = self._named(request, ids)
        form = act.form(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            way = self._do(request, act, things, form.cleaned_data)
            return self._show(request, act, way) if way else redirect(self._after(ids))
        context = {
            **self.admin_site.each_context(request),
            "title": act.label,
            "opts": self.opts,
            "act": act,
            "form": form,
            "things": [(thing, act.applies(thing)) for thing in things],
            "able": sum(act.applies(thing) for thing in things),
            "back": self._after(ids),
        }
        status = 422 if request.method == "POST" else 200
        return TemplateResponse(request, "operators/act.html", context, status=status)

    def _named(self, request: HttpRequest, ids: list[str]) -> list[Any]:
        try:
            things = list(self.get_queryset(request).filter(pk__in=ids))
        except (ValueError, ValidationError) as error:
            raise Http404 from error
        if not things:
            raise Http404
        return things

    def _after(self, ids: list[str]) -> str:
        place = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        if len(ids) == 1 and self.model._default_manager.filter(pk=ids[0]).exists():  # noqa: SLF001
            return reverse(f"{place}_change", args=ids)
        return reverse(f"{place}_changelist")

    def _do(
        self, request: HttpRequest, act: Act, things: list[Any], values: dict[str, Any]
    ) -> Way | None:
        able = [thing for thing in things if act.applies(thing)]
        if len(able) < len(things):
            left = len(things) - len(able)
            messages.warning(request, _("Not possible now for %(count)s.") % {"count": left})
        done, way = (act.run_all(able, values), None) if act.run_all else (0, None)
        for thing in [] if act.run_all else able:
            try:
                answer = act.run(thing, values)
            except DomainError as error:
                messages.error(request, f"{thing}: {error.message}")
                continue
            done += 1
            way = answer if isinstance(answer, Way) else way
            if isinstance(answer, str):
                messages.info(request, answer)
        if done:
            messages.success(
                request, _("%(act)s: done for %(count)s.") % {"act": act.label, "count": done}
            )
        return way

    def _show(self, request: HttpRequest, act: Act, way: Way) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": act.label,
            "opts": self.opts,
            "way": way,
        }
        return TemplateResponse(request, "operators/way.html", context)


def _to_page_of(act: Act) -> Callable[..., HttpResponse]:
    def go(page: OperatorAdmin, _request: HttpRequest, chosen: Any) -> HttpResponse:
        return redirect(page.act_url(act, list(chosen.values_list("pk", flat=True)[:MOST])))

    return go
