"""Translatable texts: find them, keep the pt-BR catalogue in step, compile it.

Done with Babel alone, because the gettext programs may not be assumed on a machine.
"""

import ast
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.template.base import Lexer, TokenType
from django.utils.translation.template import templatize

LOCALE = "pt_BR"
SKIPPED = {".venv", ".git", ".evosense", "var", "tests", "migrations", "benchmarks", "tools"}
TEMPLATE_SUFFIXES = {".html", ".txt", ".svg"}

# The position of the context argument, then those of the text and its plural.
CALLS: dict[str, tuple[int | None, tuple[int, ...]]] = {
    "_": (None, (0,)),
    "gettext": (None, (0,)),
    "gettext_lazy": (None, (0,)),
    "gettext_noop": (None, (0,)),
    "ngettext": (None, (0, 1)),
    "ngettext_lazy": (None, (0, 1)),
    "pgettext": (0, (1,)),
    "pgettext_lazy": (0, (1,)),
    "npgettext": (0, (1, 2)),
    "npgettext_lazy": (0, (1, 2)),
}
CALL_START = re.compile(r"(?<![\w.])(?:n?p?gettext|_)\(")
DYNAMIC_ATTRIBUTE = re.compile(r"""\s:[\w.:-]+=("[^"]*"|'[^']*')""")
CONSTANT = re.compile(r"""_\((?P<literal>"[^"]*"|'[^']*')\)""")


@dataclass(frozen=True)
class Text:
    """One translatable text as the code names it."""

    singular: str
    plural: str = ""
    context: str | None = None

    @property
    def id(self) -> str | tuple[str, str]:
        return (self.singular, self.plural) if self.plural else self.singular


@dataclass
class Report:
    """What is wrong with a catalogue, in words."""

    total: int
    problems: list[str] = field(default_factory=list)


def texts_in_python(source: str) -> Iterator[Text]:
    """Yield every constant text passed to a gettext function; variables are not texts."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and (text := _text_of_call(node)):
            yield text


def _text_of_call(node: ast.Call) -> Text | None:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name not in CALLS:
        return None
    context_at, text_at = CALLS[name]
    wanted = [_constant(node, position) for position in text_at]
    context = None if context_at is None else _constant(node, context_at)
    if not all(wanted) or (context_at is not None and context is None):
        return None
    singular, plural = (*wanted, "")[:2]
    return Text(singular or "", plural or "", context)


def _constant(node: ast.Call, position: int) -> str | None:
    if position >= len(node.args):
        return None
    argument = node.args[position]
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        return argument.value
    return None


def texts_in_template(source: str, origin: str = "") -> Iterator[Text]:
    """Yield the texts of translation tags, `_()` constants and dynamic component attributes."""
    # Everything but the gettext calls is blanked out there, yet the whole is not valid Python.
    rewritten = templatize(source, origin=origin)
    for match in CALL_START.finditer(rewritten):
        if text := _first_call(rewritten[match.start() :]):
            yield text
    for token in Lexer(source).tokenize():
        if token.token_type == TokenType.TEXT:
            yield from _texts_in_attributes(token.contents)


def _first_call(source: str) -> Text | None:
    """Parse the call at the start: it ends at the first bracket that makes it complete."""
    for bracket in re.finditer(r"\)", source):
        try:
            parsed = ast.parse(source[: bracket.end()], mode="eval").body
        except SyntaxError:
            continue
        return _text_of_call(parsed) if isinstance(parsed, ast.Call) else None
    return None


def _texts_in_attributes(html: str) -> Iterator[Text]:
    """Yield constants in cotton's `:name="_('text')"`, which Django itself sees as plain text."""
    for attribute in DYNAMIC_ATTRIBUTE.finditer(html):
        for constant in CONSTANT.finditer(attribute[1][1:-1]):
            yield Text(ast.literal_eval(constant["literal"]))


def collect(root: Path) -> dict[Text, set[str]]:
    """Return every text below `root` with the files that use it."""
    found: dict[Text, set[str]] = {}
    for path in _files(root):
        inside = path.relative_to(root)
        for text in _texts_in_file(path, inside):
            found.setdefault(text, set()).add(inside.as_posix())
    return found


def _files(folder: Path) -> Iterator[Path]:
    """Walk without entering skipped folders: the environment alone has ten thousand files."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name not in SKIPPED:
            yield from _files(path)
        elif path.is_file():
            yield path


def _texts_in_file(path: Path, inside: Path) -> Iterator[Text]:
    if path.suffix == ".py":
        yield from texts_in_python(path.read_text())
    elif path.suffix in TEMPLATE_SUFFIXES and "templates" in inside.parts:
        yield from texts_in_template(path.read_text(), str(inside))


def load(po: Path) -> Catalog:
    if not po.exists():
        return Catalog(locale=LOCALE, project="EvoSense", charset="utf-8")
    with po.open("rb") as handle:
        return read_po(handle, locale=LOCALE)


def update(old: Catalog, texts: dict[Text, set[str]]) -> Catalog:
    """Return a catalogue of exactly these texts with the translations known so far."""
    fresh = Catalog(locale=LOCALE, project="EvoSense", version="1", charset="utf-8", fuzzy=False)
    # Brazilians say "0 mensagens"; the locale data would count zero as singular.
    fresh.mime_headers = [("Plural-Forms", "nplurals=2; plural=(n != 1);")]
    fresh.header_comment = "# Kept in step with the sources by `manage.py messages_sync`."
    # Fixed dates: the files change only when a text does.
    fresh.creation_date = fresh.revision_date = datetime(2026, 1, 1, tzinfo=UTC)
    for text, files in sorted(texts.items(), key=lambda item: _order(item[0])):
        known = old.get(text.id, context=text.context)
        fresh.add(
            text.id,
            string=_translation(known, text),
            locations=[(name, 1) for name in sorted(files)],
            flags=known.flags if known else (),
            user_comments=known.user_comments if known else (),
            context=text.context,
        )
    return fresh


def _order(text: Text) -> tuple[str, str, str]:
    return text.singular.casefold(), text.singular, text.context or ""


def _translation(known: Message | None, text: Text) -> str | tuple[str, ...]:
    """Return the known translation when it has the right number of forms."""
    found = known.string if known else None
    if text.plural:
        return tuple(found) if isinstance(found, (tuple, list)) else ("", "")
    return found if isinstance(found, str) else ""


def po_bytes(catalog: Catalog) -> bytes:
    buffer = io.BytesIO()
    write_po(buffer, catalog, width=100, include_lineno=False, ignore_obsolete=True)
    return buffer.getvalue()


def mo_bytes(catalog: Catalog) -> bytes:
    buffer = io.BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def paths(locale_dir: Path) -> tuple[Path, Path]:
    folder = locale_dir / LOCALE / "LC_MESSAGES"
    return folder / "django.po", folder / "django.mo"


def sync(root: Path, locale_dir: Path) -> Report:
    """Bring both files up to date; untranslated texts stay empty and are reported."""
    po, mo = paths(locale_dir)
    catalog = update(load(po), collect(root))
    po.parent.mkdir(parents=True, exist_ok=True)
    po.write_bytes(po_bytes(catalog))
    mo.write_bytes(mo_bytes(catalog))
    return check(root, locale_dir)


def check(root: Path, locale_dir: Path) -> Report:
    """Report everything that keeps the catalogue from being complete and current."""
    po, mo = paths(locale_dir)
    texts, catalog = collect(root), load(po)
    report = Report(total=len(texts))
    known = {(message.id, message.context) for message in catalog if message.id}
    wanted = {(text.id, text.context) for text in texts}
    for title, ids in (("not in the catalogue", wanted - known), ("obsolete", known - wanted)):
        report.problems += sorted(f"{title}: {_shown(id_)}" for id_, _ in ids)
    report.problems += [f"obsolete: {_shown(id_)}" for id_ in catalog.obsolete]
    for message in catalog:
        if message.id:
            report.problems += _message_problems(message, catalog)
    if not mo.exists() or mo.read_bytes() != mo_bytes(catalog):
        report.problems.append(f"{mo.name} is older than {po.name}")
    return report


def _message_problems(message: Message, catalog: Catalog) -> list[str]:
    forms = message.string if isinstance(message.string, tuple) else (message.string,)
    if not all(forms):
        return [f"not translated: {_shown(message.id)}"]
    if message.fuzzy:
        return [f"fuzzy: {_shown(message.id)}"]
    return [f"{error}: {_shown(message.id)}" for error in message.check(catalog)]


def _shown(message_id: object) -> str:
    first = message_id[0] if isinstance(message_id, (tuple, list)) else message_id
    return repr(first)
