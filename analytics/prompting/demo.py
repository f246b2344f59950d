"""The demonstration's prompts: one with three versions of three authors, and how its labels moved.

Nobody judges by them before a provider is chosen, so the texts may be looked at and moved freely.
"""

from collections.abc import Sequence
from itertools import cycle, islice

from django.db import transaction
from django.utils.translation import gettext as _

from analytics.models import PromptTemplate
from analytics.models.choices import Task
from analytics.models.prompts import PRODUCTION
from analytics.prompting.labels import Why, move_label
from analytics.prompting.platform import platform_template
from analytics.prompting.versions import Author, create_version, from_platform

NAME = "mensagens-loja"
STAGING = "staging"
_TOPIC = """a polite
question about a defect is neutral, thanks that only close a request are neutral.
"""
_DEFECTS = """a polite
question about a defect is neutral, and so is a date or a measure that was only passed on. A late
delivery is negative only when the customer shows it, not because it is late.
"""
_LIMIT = "- summary: empty for texts up to 200 characters,"
_IRONY = """\
- Praise of a delay ("parabéns pela agilidade, só três semanas") is irony: negative, frustracao.
"""


def ensure(house: Author, people: Sequence[Author]) -> None:
    """Write the prompts that are missing, all of one or none; `people` are its later authors."""
    if not PromptTemplate.objects.filter(name=NAME).exists():
        _with_history(house, people or [house])
    for task in Task.values:
        name = platform_template(task).name
        is_there = PromptTemplate.objects.filter(name=name).exists()
        if task != Task.MESSAGE and not is_there:
            from_platform(task, house)


@transaction.atomic
def _with_history(house: Author, people: Sequence[Author]) -> None:
    second, third = islice(cycle(people), 2)
    begun = from_platform(Task.MESSAGE, house, name=NAME)
    _label(PRODUCTION, begun, house, _("Where everybody begins: the words of the house"))
    better = _next(begun, body_of(2), second, _("Late deliveries and passed on dates are neutral"))
    _label(STAGING, better, second, _("To be tried in the playground first"))
    reason = _("Late deliveries told without a complaint were read as anger")
    _label(PRODUCTION, better, second, reason)
    newest = _next(better, body_of(3), third, _("Irony about delays, with an example"))
    _label(STAGING, newest, third, _("Waits for an experiment against the version in production"))


def body_of(number: int) -> str:
    """Return the instructions of a version, each a few lines away from the one before."""
    body = platform_template(Task.MESSAGE).body
    if number > 1:
        body = body.replace(_TOPIC, _DEFECTS)
    return body.replace(_LIMIT, _IRONY + _LIMIT) if number > 2 else body


def _next(before: PromptTemplate, body: str, author: Author, description: str) -> PromptTemplate:
    return create_version(
        name=before.name, task=before.task, body=body, author=author, description=description,
        model_params=before.model_params, based_on=before.number,
    )  # fmt: skip


def _label(label: str, version: PromptTemplate, author: Author, reason: str) -> None:
    move_label(label, version, author=author, why=Why(reason))
