"""Prompts as a file: what one installation writes another can read. No labels travel."""

from typing import Any

import orjson
from django.db import transaction
from django.utils.translation import gettext as _

from analytics.models import PromptTemplate
from analytics.prompting.versions import Author, create_version
from evosense.core.errors import Conflict, Invalid

FORMAT = "evosense-prompts/1"
LONGEST_FILE = 2 * 1024 * 1024
MOST_VERSIONS = 200
_FIELDS = ("name", "task", "body", "description", "output_schema", "model_params")


def write_file(name: str) -> bytes:
    """Return every version of a name as JSON, the oldest first."""
    rows = PromptTemplate.objects.filter(name=name).order_by("number")[:MOST_VERSIONS]
    document = {
        "format": FORMAT,
        "versions": [{field: getattr(row, field) for field in _FIELDS} for row in rows],
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2)


def read_file(raw: bytes, *, author: Author, name: str = "") -> list[PromptTemplate]:
    """Write the versions of a file, all or none; raises Invalid that names the version.

    `name` takes the place of the names in the file. Versions that change nothing are left out.
    """
    entries = _entries(raw)
    written: list[PromptTemplate] = []
    with transaction.atomic():
        for at, entry in enumerate(entries, start=1):
            row = _write(entry, at, name, author)
            written += [row] if row else []
    return written


def _entries(raw: bytes) -> list[Any]:
    if len(raw) > LONGEST_FILE:
        raise Invalid("too_large", _("At most 2 MB."), field="file")
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Invalid("not_json", _("This file is not JSON."), field="file") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise Invalid("unknown_format", _("This is not a file of prompts."), field="file")
    entries = document.get("versions")
    if not isinstance(entries, list) or not 1 <= len(entries) <= MOST_VERSIONS:
        raise Invalid("invalid", _("It must hold 1 to 200 versions."), field="file")
    return entries


def _write(entry: Any, at: int, name: str, author: Author) -> PromptTemplate | None:
    kinds = {"output_schema": dict, "model_params": dict}
    if not isinstance(entry, dict) or not all(
        isinstance(entry.get(field), kinds.get(field, str)) for field in _FIELDS
    ):
        raise Invalid("invalid", _("Version %(at)s lacks a field.") % {"at": at}, field="file")
    given = {field: entry[field] for field in _FIELDS} | ({"name": name} if name else {})
    try:
        return create_version(**given, author=author)
    except Conflict as same:
        if same.code != "unchanged":
            raise
        return None
    except Invalid as problem:
        message = _("Version %(at)s, %(field)s: %(problem)s") % {
            "at": at,
            "field": problem.field,
            "problem": problem.message,
        }
        raise Invalid(problem.code, message, field="file") from problem
