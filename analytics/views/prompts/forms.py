"""What the forms of prompts bring, and what they show again when they are refused."""

from dataclasses import dataclass
from typing import Any

import orjson
from django.http import QueryDict
from django.utils.translation import gettext as _

from analytics.models import PromptTemplate, Task
from analytics.prompting.platform import PLATFORM
from analytics.prompting.schemas import SCHEMAS
from analytics.prompting.versions import PARAMS
from evosense.core.errors import Invalid
from evosense.core.number_fields import plain_number

# Digits of a version's number.
LONGEST_NUMBER = 7


@dataclass(frozen=True, slots=True)
class Draft:
    """The fields of the form as texts."""

    name: str = ""
    task: str = Task.MESSAGE
    body: str = ""
    description: str = ""
    output_schema: str = ""
    temperature: str = "0"
    top_p: str = ""
    max_output_tokens: str = ""
    based_on: str = ""


def draft_of(data: QueryDict) -> Draft:
    return Draft(**{field: data.get(field, "") for field in Draft.__dataclass_fields__})


def draft_from(row: PromptTemplate) -> Draft:
    """Return the form filled like a version; what it brings is written after the newest one."""
    newest = PromptTemplate.objects.filter(name=row.name).order_by("-number").values_list("number")
    params = {
        key: f"{row.model_params[key]:g}" if key in row.model_params else "" for key in PARAMS
    }
    return Draft(
        name=row.name,
        task=row.task,
        body=row.body,
        output_schema=shown_json(row.output_schema),
        based_on=str(newest[0][0]),
        **params,
    )


def house_draft(name: str) -> Draft:
    """Return the form filled like a template of the house; the first one for an unknown name."""
    house = next((one for one in PLATFORM if one.name == name), PLATFORM[0])
    return Draft(name=house.name, task=house.task, body=house.body)


def fields_of(draft: Draft) -> dict[str, Any]:
    """Return what `create_version` takes; raises Invalid that names the field."""
    name = draft.name.strip()
    is_number = draft.based_on.isdecimal() and len(draft.based_on) < LONGEST_NUMBER
    based_on = int(draft.based_on) if is_number else 0
    if not based_on and PromptTemplate.objects.filter(name=name).exists():
        message = _("There is a prompt of this name. Open it to write its next version.")
        raise Invalid("name_taken", message, field="name")
    return {
        "name": name,
        "task": draft.task,
        "body": draft.body.replace("\r\n", "\n"),
        "description": draft.description.strip(),
        "output_schema": _schema(draft),
        "model_params": _params(draft),
        "based_on": based_on,
    }


def shown_json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _schema(draft: Draft) -> Any:
    if not draft.output_schema.strip():
        return SCHEMAS.get(draft.task)
    try:
        return orjson.loads(draft.output_schema)
    except orjson.JSONDecodeError as error:
        raise Invalid("not_json", _("This is not valid JSON."), field="output_schema") from error


def _params(draft: Draft) -> dict[str, float]:
    given = {key: getattr(draft, key).strip() for key in PARAMS}
    return {key: _number(key, raw) for key, raw in given.items() if raw}


def _number(field: str, raw: str) -> float:
    try:
        number = float(plain_number(raw).replace(",", "."))
    except ValueError as error:
        raise Invalid("invalid", _("Write a number."), field=field) from error
    # 0 and 0.0 would be two contents of one meaning.
    return int(number) if number.is_integer() else number
