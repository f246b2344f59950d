"""What operators may do about companies."""

from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenancy.admin import forms
from tenancy.admin.base import Act, Way
from tenancy.admin.who import acting_operator, way_in
from tenancy.models import Tenant
from tenancy.services import life, support, upkeep

_WITH_TABLES = frozenset({Tenant.State.READY, Tenant.State.MOVING})


def _change_plan(tenant: Tenant, values: dict[str, Any]) -> None:
    upkeep.change_plan(tenant.pk, plan=values["plan"])


def _extend_trial(tenant: Tenant, values: dict[str, Any]) -> None:
    upkeep.extend_trial(tenant.pk, days=values["days"])


def _set_limit(tenant: Tenant, values: dict[str, Any]) -> None:
    upkeep.set_entitlement(tenant.pk, name=values["name"], limit=values["limit"])


def _drop_limit(tenant: Tenant, values: dict[str, Any]) -> None:
    upkeep.drop_entitlement(tenant.pk, name=values["name"])


def _suspend(tenant: Tenant, values: dict[str, Any]) -> None:
    life.suspend(tenant.pk, reason=values["reason"])


def _resume(tenant: Tenant, _values: dict[str, Any]) -> None:
    life.resume(tenant.pk)


def _ask_deletion(tenant: Tenant, values: dict[str, Any]) -> str:
    when = life.ask_deletion(
        tenant.pk,
        retyped=values["retyped"],
        asked_by=acting_operator().email,
        grace_days=values["grace_days"],
    )
    return _("Everything of it is deleted after %(day)s, unless that is called off.") % {
        "day": date_format(timezone.localtime(when), "SHORT_DATETIME_FORMAT")
    }


def _cancel_deletion(tenant: Tenant, _values: dict[str, Any]) -> None:
    life.cancel_deletion(tenant.pk)


def _retry(tenant: Tenant, _values: dict[str, Any]) -> None:
    upkeep.retry_provisioning(tenant.pk)


def _migrate(tenant: Tenant, _values: dict[str, Any]) -> str:
    upkeep.start_migration(tenant.pk)
    return _("The migration has been started; the fleet runs show how it goes.")


def _open_support(tenant: Tenant, values: dict[str, Any]) -> Way:
    operator = acting_operator()
    grant = support.open_grant(operator=operator, tenant_id=tenant.pk, **values)
    return way_in(grant, operator)


ACTS: tuple[Act, ...] = (
    Act(
        "support",
        gettext_lazy("Support access"),
        _open_support,
        form=forms.SupportForm,
        applies=lambda tenant: tenant.state == Tenant.State.READY,
        note=gettext_lazy("Opens the company's pages to you for some hours. Its owner is told."),
        is_single=True,
        icon="support_agent",
    ),
    Act(
        "plan",
        gettext_lazy("Change the plan"),
        _change_plan,
        form=forms.PlanForm,
        applies=lambda tenant: tenant.state != Tenant.State.DELETING,
        icon="sell",
    ),
    Act(
        "trial",
        gettext_lazy("Extend the trial"),
        _extend_trial,
        form=forms.DaysForm,
        applies=lambda tenant: tenant.status != Tenant.Status.ACTIVE,
        icon="more_time",
    ),
    Act(
        "limit",
        gettext_lazy("Set a limit"),
        _set_limit,
        form=forms.LimitForm,
        icon="tune",
    ),
    Act(
        "plan-limit",
        gettext_lazy("Let the plan decide a limit"),
        _drop_limit,
        form=forms.LimitNameForm,
        applies=lambda tenant: bool(getattr(tenant, "pk", None)) and tenant.entitlements.exists(),
        is_single=True,
        icon="undo",
    ),
    Act(
        "migrate",
        gettext_lazy("Migrate now"),
        _migrate,
        applies=lambda tenant: tenant.state in _WITH_TABLES,
        note=gettext_lazy("Brings the tables of these companies up to this release."),
        icon="upgrade",
    ),
    Act(
        "provision",
        gettext_lazy("Retry the preparation"),
        _retry,
        applies=lambda tenant: tenant.state in {Tenant.State.FAILED, Tenant.State.PROVISIONING},
        icon="restart_alt",
    ),
    Act(
        "suspend",
        gettext_lazy("Suspend"),
        _suspend,
        form=forms.ReasonForm,
        applies=lambda tenant: tenant.status != Tenant.Status.SUSPENDED,
        note=gettext_lazy("Its people see the reason instead of pages; messages are still stored."),
        is_danger=True,
        icon="pause_circle",
    ),
    Act(
        "resume",
        gettext_lazy("Let it work again"),
        _resume,
        applies=lambda tenant: (
            tenant.status == Tenant.Status.SUSPENDED and tenant.delete_after is None
        ),
        icon="play_circle",
    ),
    Act(
        "delete",
        gettext_lazy("Ask for deletion"),
        _ask_deletion,
        form=forms.DeletionForm,
        applies=lambda tenant: (
            tenant.delete_after is None and tenant.state != Tenant.State.DELETING
        ),
        note=gettext_lazy("It stops at once and is deleted with everything after the grace."),
        is_danger=True,
        is_single=True,
        icon="delete",
    ),
    Act(
        "keep",
        gettext_lazy("Call the deletion off"),
        _cancel_deletion,
        applies=lambda tenant: (
            tenant.delete_after is not None and tenant.state != Tenant.State.DELETING
        ),
        icon="undo",
    ),
)
