"""Writing versions of prompts. A version is written once; the next thought is the next version."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from analytics.models import PromptTemplate
from analytics.models.choices import Task
from analytics.prompting.platform import platform_template
from analytics.prompting.render import VARIABLES, Misspelt, misspelt_variables
from analytics.prompting.schemas import SCHEMAS, schema_problem
from evosense.core.errors import Conflict, Invalid
from evosense.core.ids import uuid7
from evosense.core.wording import number_words
from tenancy.services import audit
from tenancy.services.names import clean_note

LONGEST_NAME = 48
LONGEST_BODY = 20_000
LONGEST_DESCRIPTION = 1_000
LONGEST_SCHEMA = 40_000
# Misspelt variables of one body that a refusal names.
MOST_NAMED = 5
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
# What may be set, with its range; other parameters differ between servers.
PARAMS = {"temperature": (0.0, 2.0), "top_p": (0.0, 1.0), "max_output_tokens": (16, 16_000)}


@dataclass(frozen=True, slots=True)
class Author:
    id: int | None
    name: str


def template_hash(task: str, body: str, schema: Any, params: Any) -> str:
    """Return the SHA-256 of everything that decides what a model is told, as 64 hex digits."""
    canonical = orjson.dumps(
        {"task": task, "body": body, "schema": schema, "params": params},
        option=orjson.OPT_SORT_KEYS,
    )
    return hashlib.sha256(canonical).hexdigest()


def is_intact(template: PromptTemplate) -> bool:
    """Tell whether a stored version still is what its hash was made of."""
    now = template_hash(template.task, template.body, template.output_schema, template.model_params)
    return now == template.template_hash


def create_version(
    *,
    name: str,
    task: str,
    body: str,
    author: Author,
    description: str = "",
    output_schema: Any = None,
    model_params: dict[str, Any] | None = None,
    based_on: int | None = None,
) -> PromptTemplate:
    """Write the next version of `name`; raises Invalid or Conflict.

    `based_on` is the number that the author had before them: Conflict `version_exists` when
    somebody wrote another meanwhile. The same content twice in a row is Conflict `unchanged`.
    """
    schema = SCHEMAS.get(task) if output_schema is None else output_schema
    params = model_params or {}
    _check(name, task, body, schema, params)
    description = clean_note(description, field="description", length=LONGEST_DESCRIPTION)
    last = PromptTemplate.objects.filter(name=name).aggregate(last=Max("number"))["last"] or 0
    if based_on is not None and based_on != last:
        raise Conflict("version_exists", _("Somebody wrote another version meanwhile."))
    content = template_hash(task, body, schema, params)
    _check_against_last(name, last, task, content)
    row = PromptTemplate(
        public_id=uuid7(), name=name, number=last + 1, version=f"{name}@{last + 1}", task=task,
        body=body, output_schema=schema, model_params=params, template_hash=content,
        description=description, author_id=author.id, created_by=author.name[:100],
    )  # fmt: skip
    return _insert(row)


def from_platform(task: str, author: Author, *, name: str = "") -> PromptTemplate:
    """Write the template of the house for `task` as a version of the company's own."""
    house = platform_template(task)
    return create_version(
        name=name or house.name, task=task, body=house.body, author=author,
        model_params=house.model_params, description=_("Copied from the templates of the house"),
    )  # fmt: skip


def _insert(row: PromptTemplate) -> PromptTemplate:
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            audit.record(
                "prompt.version_created",
                object_type="prompt",
                object_id=row.public_id,
                object_label=row.version,
            )
    except IntegrityError as error:
        raise Conflict("version_exists", _("Somebody wrote another version meanwhile.")) from error
    return row


def _check_against_last(name: str, last: int, task: str, content: str) -> None:
    if not last:
        return
    before = PromptTemplate.objects.get(name=name, number=last)
    if before.task != task:
        message = _("This name belongs to prompts of another task.")
        raise Invalid("invalid", message, field="task")
    if before.template_hash == content:
        raise Conflict("unchanged", _("Nothing differs from the last version."))


def _check(name: str, task: str, body: str, schema: Any, params: dict[str, Any]) -> None:
    if len(name) > LONGEST_NAME or not _NAME.match(name):
        message = _("Use up to 48 small letters, digits and single hyphens.")
        raise Invalid("invalid", message, field="name")
    if task not in Task.values:
        raise Invalid("invalid", _("Choose one of the tasks."), field="task")
    _check_body(task, body)
    wrong = schema_problem(task, schema) or _schema_text_problem(schema)
    if wrong:
        raise Invalid("invalid_schema", wrong, field="output_schema")
    for key, value in params.items():
        _check_param(key, value)


def _schema_text_problem(schema: object) -> str:
    try:
        text = orjson.dumps(schema)
    except orjson.JSONEncodeError:
        return _("This is not valid JSON.")
    # PostgreSQL keeps no NUL in JSON.
    if b"\\u0000" in text:
        return _("This is not valid JSON.")
    return _("At most 40,000 characters.") if len(text) > LONGEST_SCHEMA else ""


def _check_body(task: str, body: str) -> None:
    if not body.strip():
        raise Invalid("required", _("Write the instructions."), field="body")
    if len(body) > LONGEST_BODY:
        raise Invalid("too_long", _("At most 20,000 characters of text."), field="body")
    # Refused, not tidied: a model reads every character of it.
    clean_note(body, field="body", length=LONGEST_BODY)
    wrong = misspelt_variables(task, body)
    if wrong:
        code = "unknown_variable" if wrong[0].is_unknown else "broken_variable"
        raise Invalid(code, _variables_message(task, wrong), field="body")


def _variables_message(task: str, wrong: Sequence[Misspelt]) -> str:
    known = ", ".join(f"{{{{{name}}}}}" for name in sorted(VARIABLES[task]))
    places = [
        (_("Line %(line)s: unknown variable %(text)s.") if one.is_unknown
         else _("Line %(line)s: “%(text)s” is not a whole variable."))
        % {"line": one.line, "text": one.text}
        for one in wrong[:MOST_NAMED]
    ]  # fmt: skip
    return " ".join([*places, _("There are: %(known)s.") % {"known": known}])


def _check_param(key: str, value: object) -> None:
    if key not in PARAMS:
        message = _("%(name)s cannot be set.") % {"name": key}
        raise Invalid("unknown_parameter", message, field="model_params")
    low, high = PARAMS[key]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:  # type: ignore[operator]
        message = _("%(name)s goes from %(low)s to %(high)s.") % {
            "name": key,
            "low": number_words(low),
            "high": number_words(high),
        }
        raise Invalid("out_of_range", message, field=f"model_params.{key}")
