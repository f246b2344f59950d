"""What the frame around every tenant page shows: navigation, links and appearance.

Apps announce their pages in `AppConfig.ready`, so the kernel knows none of them:

    register_nav(NavItem("conversations", "messaging:conversation-list", _("Conversations"), "chat",
                         order=20, permission="conversations.view"))
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

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


_items: dict[str, NavItem] = {}
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


def build_nav(permissions: Iterable[str], view_name: str) -> list[NavLink]:
    """Return the entries that `permissions` allow, in order, with the current one marked."""
    allowed = {"", *permissions}
    items = sorted(_items.values(), key=lambda item: (item.order, item.key))
    links = [_link(item, view_name) for item in items if item.permission in allowed]
    return [link for link in links if link]


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context processor; touches no database, so error pages may use it too."""
    match = getattr(request, "resolver_match", None)
    nav = build_nav(getattr(request, "permissions", ()), match.view_name if match else "")
    density = request.COOKIES.get("density", "")
    return {
        "shell": Shell(
            nav=nav,
            links={name: url for name, url in _resolved_links() if url},
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


def _resolved_links() -> Iterable[tuple[str, str]]:
    return ((name, _reverse(url_name)) for name, url_name in _links.items())


def _reverse(url_name: str) -> str:
    """Return the URL, or nothing when this host does not serve that page."""
    if not url_name:
        return ""
    try:
        return reverse(url_name)
    except NoReverseMatch:
        return ""
