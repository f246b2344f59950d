"""Which letters about the account a person may do without. Others are always sent."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from tenancy.models import User


@dataclass(frozen=True, slots=True)
class Notice:
    """A kind of letter that a person may refuse."""

    key: str
    label: Any
    note: Any = ""


_notices: dict[str, Notice] = {}


def register_notice(notice: Notice) -> None:
    """Offer `notice` on everybody's page of notifications."""
    _notices[notice.key] = notice


def all_notices() -> list[Notice]:
    """Return what people may refuse, in the order of registration."""
    return list(_notices.values())


def wants(user: User, key: str) -> bool:
    """Tell whether the person wants this letter; whoever chose nothing does."""
    return bool(user.notifications.get(key, True))


register_notice(
    Notice(
        "new_login",
        _("Log-in on a new device"),
        _("When somebody logs in as you with a browser that you have not used before."),
    )
)
