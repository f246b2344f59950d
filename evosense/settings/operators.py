"""How the operator site looks: our neutral and green ramps, no control that the site lacks."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

_NEUTRAL = {
    "50": "oklch(.98 .003 85)",
    "100": "oklch(.963 .004 84)",
    "200": "oklch(.918 .005 83)",
    "300": "oklch(.862 .007 82)",
    "400": "oklch(.7 .009 80)",
    "500": "oklch(.51 .01 78)",
    "600": "oklch(.43 .01 76)",
    "700": "oklch(.365 .008 78)",
    "800": "oklch(.278 .006 80)",
    "900": "oklch(.205 .005 80)",
    "950": "oklch(.17 .004 80)",
}
_GREEN = {
    "50": "oklch(.978 .012 168)",
    "100": "oklch(.96 .02 168)",
    "200": "oklch(.9 .045 167)",
    "300": "oklch(.855 .062 167)",
    "400": "oklch(.745 .125 166)",
    "500": "oklch(.6 .115 167)",
    "600": "oklch(.5 .1 167)",
    "700": "oklch(.445 .09 167)",
    "800": "oklch(.405 .083 167)",
    "900": "oklch(.32 .05 168)",
    "950": "oklch(.232 .03 170)",
}


def _favicon(_request: Any) -> str:
    return static("img/favicon.svg")


def _styles(_request: Any) -> str:
    return static("operators/pages.css")


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": _("EvoSense operators"),
    "SITE_HEADER": "EvoSense",
    "SITE_SUBHEADER": _("Operators"),
    "SITE_URL": None,
    "SITE_SYMBOL": "hub",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _favicon}],
    "STYLES": [_styles],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "6px",
    "COLORS": {"base": _NEUTRAL, "primary": _GREEN},
    "ACCOUNT": {
        "navigation": [{"title": _("Your second factor"), "link": reverse_lazy("admin:factor")}]
    },
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "navigation": "tenancy.admin.navigation.sidebar",
    },
}
