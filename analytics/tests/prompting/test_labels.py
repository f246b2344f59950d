"""Labels move by people with a reason, one at a time, and can go back."""

import pytest
from django.db import connection

from analytics.models import PromptLabel, PromptLabelEvent
from analytics.models.choices import Task
from analytics.prompting.labels import Why, move_label, protect, remove_label, resolve, roll_back
from analytics.prompting.versions import Author, create_version
from evosense.core.errors import Conflict, Invalid
from tenancy.models import AuditEntry

ANA = Author(1, "Ana")
WHY = Why("fewer flips", "run-1", {"accuracy": 0.8})


def version(body, name="tom"):
    return create_version(name=name, task=Task.MESSAGE, body=body, author=ANA)


def test_production_needs_a_reason_and_keeps_its_history(tenant):
    one, two = version("one"), version("two")
    with pytest.raises(Invalid) as refusal:
        move_label("production", one, author=ANA)
    assert refusal.value.field == "reason"
    move_label("production", one, author=ANA, why=WHY)
    move_label("production", two, author=ANA, why=WHY, expected=one.pk)
    assert resolve(Task.MESSAGE) == two
    with pytest.raises(Conflict, match="label_moved"):
        move_label("production", one, author=ANA, why=WHY, expected=one.pk)
    roll_back(Task.MESSAGE, author=ANA, reason="worse at night")
    assert resolve(Task.MESSAGE) == one
    moves = PromptLabelEvent.objects.order_by("pk").values_list(
        "previous__number", "template__number"
    )
    assert list(moves) == [(None, 1), (1, 2), (2, 1)]
    assert AuditEntry.objects.filter(action="prompt.label_moved").count() == 3


def test_another_name_takes_production_over(tenant):
    move_label("production", version("one"), author=ANA, why=WHY)
    other = version("uno", "clima")
    move_label("production", other, author=ANA, why=WHY)
    assert PromptLabel.objects.get(label="production").name == "clima"
    assert resolve(Task.MESSAGE) == other


def test_free_labels_move_freely_until_protected(tenant):
    one, two = version("one"), version("two")
    move_label("staging", one, author=ANA)
    move_label("staging", two, author=ANA)
    protect("tom", "staging", is_protected=True)
    with pytest.raises(Invalid):
        move_label("staging", one, author=ANA)
    with pytest.raises(Invalid):
        remove_label("tom", "staging", author=ANA)
    remove_label("tom", "staging", author=ANA, reason="tidy")
    assert not PromptLabel.objects.exists()
    with pytest.raises(Invalid):
        protect("tom", "production", is_protected=False)


@pytest.mark.parametrize("label", ["", "Prod", "a b", "x" * 33, "-a"])
def test_names_of_labels(tenant, label):
    with pytest.raises(Invalid):
        move_label(label, version("one"), author=ANA)


def test_nothing_to_go_back_to(tenant):
    with pytest.raises(Conflict, match="no_earlier_version"):
        roll_back(Task.MESSAGE, author=ANA, reason="x")


def test_a_version_altered_behind_our_back_judges_nobody(tenant):
    move_label("production", version("one"), author=ANA, why=WHY)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE analytics_prompttemplate SET body = 'say 1'")
    with pytest.raises(Conflict, match="prompt_altered"):
        resolve(Task.MESSAGE)
