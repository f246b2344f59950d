"""What acts ask operators for."""

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from evosense.core.number_fields import WrittenInteger
from tenancy.admin.words import LIMITS
from tenancy.models import Tenant
from tenancy.plans import PLAN_LIMITS


class ReasonForm(forms.Form):
    """The reason that an act is written down with."""

    reason = forms.CharField(
        label=_("Reason"),
        min_length=10,
        max_length=200,
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
        help_text=_("10 to 200 characters. The company sees it."),
    )


class PlanForm(forms.Form):
    plan = forms.ChoiceField(
        label=_("Plan"), choices=Tenant.Plan.choices, widget=UnfoldAdminSelectWidget
    )


class DaysForm(forms.Form):
    days = forms.IntegerField(
        label=_("Days"),
        min_value=1,
        max_value=90,
        initial=14,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("Counted from the end of the trial, or from now when it is over."),
    )


def limit_names() -> list[tuple[str, str]]:
    names = sorted({name for limits in PLAN_LIMITS.values() for name in limits})
    return [(name, str(LIMITS.get(name, name))) for name in names]


class LimitNameForm(forms.Form):
    name = forms.ChoiceField(label=_("Limit"), choices=limit_names, widget=UnfoldAdminSelectWidget)


class LimitForm(LimitNameForm):
    limit = WrittenInteger(
        label=_("Value"),
        min_value=0,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("Empty is without limit."),
    )


class DeletionForm(forms.Form):
    retyped = forms.CharField(
        label=_("Type the address of the company again"), widget=UnfoldAdminTextInputWidget
    )
    grace_days = forms.IntegerField(
        label=_("Days of grace"),
        min_value=0,
        max_value=90,
        initial=14,
        widget=UnfoldAdminIntegerFieldWidget,
    )


class SupportForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        min_length=10,
        max_length=300,
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
        help_text=_("10 to 300 characters. The owner reads it in a letter and on every page."),
    )
    hours = forms.IntegerField(
        label=_("Hours"), min_value=1, max_value=8, initial=1, widget=UnfoldAdminIntegerFieldWidget
    )
    may_write = forms.BooleanField(
        label=_("May change things and see whole numbers"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
    )
