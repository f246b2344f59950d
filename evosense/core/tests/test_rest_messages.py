"""Whatever REST framework says to a caller is said in Portuguese: by its catalogue or by ours."""

import ast
import gettext
from pathlib import Path

import django
import rest_framework
from django.utils import translation

from evosense.core.rest_messages import MISTRANSLATED, UNTRANSLATED

FRAMEWORK = Path(rest_framework.__file__).parent
CATALOGUES = (
    FRAMEWORK / "locale/pt_BR/LC_MESSAGES/django.mo",
    Path(django.__file__).parent / "conf/locale/pt_BR/LC_MESSAGES/django.mo",
)
# Not served by this house.
UNUSED = {"authtoken"}


def _messages(path: Path) -> set[str]:
    calls = [
        one for one in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(one, ast.Call)
    ]
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name)
        and call.func.id in {"_", "gettext", "gettext_lazy"}
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }


def test_what_the_framework_leaves_in_english_is_translated_here() -> None:
    said = set()
    for path in FRAMEWORK.rglob("*.py"):
        if path.relative_to(FRAMEWORK).parts[0] not in UNUSED:
            said |= _messages(path)
    known = [gettext.GNUTranslations(path.open("rb")) for path in CATALOGUES]
    left = {one for one in said if not any(each.gettext(one) != one for each in known)}
    assert left == UNTRANSLATED


def test_what_the_framework_says_wrongly_is_said_rightly_here() -> None:
    with translation.override("pt-br"):
        said = {one: translation.gettext(one) for one in MISTRANSLATED}
    theirs = gettext.GNUTranslations(CATALOGUES[0].open("rb"))
    for english, portuguese in said.items():
        assert portuguese not in {english, theirs.gettext(english)}
