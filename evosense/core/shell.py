"""What the frame around every tenant page shows: navigation, links and appearance.

Apps announce their pages in `AppConfig.ready`, so the kernel knows none of them:

    register_nav(NavItem("conversations", "messaging:conversation-list", _("Conversations"), "chat",
                         order=20, permission="conversations.view"))
    register_setting(SettingItem("people", "settings:people", _("People"), "team",
                                 permission="members.view", keywords=_("users, invite, seats")))
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from evosense.core.streams import cursor_of

THEMES = ("light", "dark")
PHONE_ENTRIES = 4
# Longer than a page takes between its first query and its rendering, clocks included.
RENDERING = timedelta(seconds=3)


@dataclass(frozen=True)
class NavItem:
    """One entry of the rail. `url_name` must need no arguments.

    The entry is current on its own page and on every page whose view name starts with one of
    `current_for`. `count_url_name` answers with the counter's markup and is fetched by the page.
    """

    key: str
    url_name: str
    label: Any
    icon: str
    order: int = 50
    permission: str = ""
    current_for: tuple[str, ...] = ()
    count_url_name: str = ""
    place: Literal["main", "foot"] = "main"
    on_phone: bool = True
    # The counter also shows in the title of the browser tab.
    in_title: bool = False
    # Asked with the person's permissions where one permission cannot say it.
    shown: Callable[[frozenset[str]], bool] | None = None


@dataclass(frozen=True)
class SettingItem:
    """One page of the settings. `url_name` must need no arguments.

    The page is current for every view whose name begins with `url_name`. `keywords` are words that
    people may look for besides `label`; groups are the keys of `SETTING_GROUPS`.
    """

    key: str
    url_name: str
    label: Any
    group: Literal["company", "team", "integrations", "account"]
    order: int = 50
    permission: str = ""
    keywords: Any = ""
    note: Any = ""
    icon: str = "sliders"


@dataclass(frozen=True)
class SettingLink:
    """A page of the settings as one person finds it in the index."""

    key: str
    url: str
    label: Any
    note: Any
    icon: str
    keywords: Any
    is_current: bool


@dataclass(frozen=True)
class SettingGroup:
    label: Any
    links: list[SettingLink]


@dataclass(frozen=True)
class NavLink:
    """A navigation entry as one page shows it to one person."""

    key: str
    url: str
    label: Any
    icon: str
    is_current: bool
    place: str
    on_phone: bool
    count_url: str = ""
    in_title: bool = False
    # Filled by a page that already knows the number; most counters arrive as a fragment.
    count: int | None = None


@dataclass(frozen=True)
class Shell:
    nav: list[NavLink] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    workspace: str = ""
    theme: str = ""
    density: str = ""
    rail: str = ""
    # Where the page's event stream begins: a little before the rows of the page were read.
    cursor: str = ""
    # What pages extend that may be seen by members and by strangers.
    base: str = "base_public.html"

    @property
    def main(self) -> list[NavLink]:
        return [link for link in self.nav if link.place == "main"]

    @property
    def foot(self) -> list[NavLink]:
        return [link for link in self.nav if link.place == "foot"]

    @property
    def phone(self) -> list[NavLink]:
        return [link for link in self.nav if link.on_phone][:PHONE_ENTRIES]


SETTING_GROUPS: dict[str, Any] = {
    "company": _("Company account"),
    "team": _("Team"),
    "integrations": _("Integrations"),
    "account": _("Account"),
}

_items: dict[str, NavItem] = {}
_settings: dict[str, SettingItem] = {}
# Every tenant host offers its account pages under these names.
_links: dict[str, str] = {
    "login": "account:login",
    "logout": "account:logout",
    "preferences": "account:preferences",
    "workspaces": "account:workspaces",
    "events": "account:stream-address",
}


def register_nav(item: NavItem) -> None:
    """Add `item`, or replace the one with its key."""
    _items[item.key] = item


def register_link(name: str, url_name: str) -> None:
    """Tell the frame where `name` lives: one of the names above, or profile."""
    _links[name] = url_name


def register_setting(item: SettingItem) -> None:
    """Add a page to the index of the settings, or replace the one with its key."""
    _settings[item.key] = item


def setting_groups(permissions: Iterable[str], view_name: str = "") -> list[SettingGroup]:
    """Return the pages of the settings that `permissions` allow, in groups; none is empty."""
    allowed = {"", *permissions}
    items = sorted(_settings.values(), key=lambda item: (item.order, item.key))
    found: dict[str, list[SettingLink]] = {group: [] for group in SETTING_GROUPS}
    for item in items:
        url = _reverse(item.url_name) if item.permission in allowed else ""
        if url:
            found[item.group].append(_setting_link(item, url, view_name))
    return [SettingGroup(SETTING_GROUPS[key], links) for key, links in found.items() if links]


def has_settings(permissions: Iterable[str]) -> bool:
    """Tell whether any page of the settings is open to these permissions."""
    allowed = {"", *permissions}
    return any(item.permission in allowed for item in _settings.values())


def build_nav(permissions: Iterable[str], view_name: str) -> list[NavLink]:
    """Return the entries that `permissions` allow, in order, with the current one marked."""
    allowed = {"", *permissions}
    items = sorted(_items.values(), key=lambda item: (item.order, item.key))
    links = [_link(item, view_name) for item in items if _is_shown(item, frozenset(allowed))]
    return [link for link in links if link]


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context processor; touches no database, so error pages may use it too."""
    match = getattr(request, "resolver_match", None)
    closed = is_closed(request)
    permissions = getattr(request, "permissions", ())
    nav = [] if closed else build_nav(permissions, match.view_name if match else "")
    density = request.COOKIES.get("density", "")
    return {
        "shell": Shell(
            nav=nav,
            links={name: url for name, url in _resolved_links(closed=closed) if url},
            workspace=str(getattr(getattr(request, "tenant", None), "name", "")),
            theme=_theme(request),
            density="compact" if density == "compact" else "",
            cursor=cursor_of(datetime.now(UTC) - RENDERING),
            rail="pinned" if request.COOKIES.get("rail") == "pinned" else "",
            base="base_app.html" if getattr(request, "membership", None) else "base_public.html",
        ),
        "nav": nav,
    }


def _theme(request: HttpRequest) -> str:
    """Return what this browser chose, else what the person chose on another one."""
    chosen = request.COOKIES.get("theme", "")
    # A membership means that the user is loaded already; error pages must not load one.
    if not chosen and getattr(request, "membership", None):
        chosen = getattr(request.user, "theme", "")
    return chosen if chosen in THEMES else ""


def _is_shown(item: NavItem, allowed: frozenset[str]) -> bool:
    return item.permission in allowed and (item.shown is None or item.shown(allowed))


def _setting_link(item: SettingItem, url: str, view_name: str) -> SettingLink:
    return SettingLink(
        key=item.key,
        url=url,
        label=item.label,
        note=item.note,
        icon=item.icon,
        keywords=item.keywords,
        is_current=view_name == item.url_name or view_name.startswith(f"{item.url_name}-"),
    )


def _link(item: NavItem, view_name: str) -> NavLink | None:
    url = _reverse(item.url_name)
    if not url:
        return None
    return NavLink(
        key=item.key,
        url=url,
        label=item.label,
        icon=item.icon,
        is_current=view_name == item.url_name or view_name.startswith(item.current_for or ("\0",)),
        place=item.place,
        on_phone=item.on_phone,
        count_url=_reverse(item.count_url_name),
        in_title=item.in_title,
    )


def is_closed(request: HttpRequest) -> bool:
    """Tell whether the company may not work now: counters would lead off its open pages."""
    tenant = getattr(request, "tenant", None)
    return bool(tenant and tenant.is_restricted() and not getattr(request, "support", None))


def _resolved_links(*, closed: bool) -> Iterable[tuple[str, str]]:
    links = ((name, _reverse(url_name)) for name, url_name in _links.items())
    return ((name, url) for name, url in links if not (closed and name == "events"))


def _reverse(url_name: str) -> str:
    """Return the URL, or nothing when this host does not serve that page."""
    if not url_name:
        return ""
    try:
        return reverse(url_name)
    except NoReverseMatch:
        return ""
