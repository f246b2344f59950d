"""What a new experiment may be called and say, and what belongs to each way of finding messages."""

import pytest

from analytics.experiments.arms import Choice
from analytics.experiments.creating import NewRun, create_run
from analytics.experiments.promotion import promote
from analytics.labelling.gold import freeze
from analytics.prompting.versions import Author
from analytics.search.saved import save_search
from analytics.tests.experiments.factories import make_run
from evosense.core.errors import Invalid

pytestmark = pytest.mark.usefixtures("tenant")


def create(**over):
    given = {
        "name": "Analisador contra palavras",
        "mode": "backfill",
        "baseline": Choice("words"),
        "candidates": [Choice("embedded")],
    }
    return create_run(NewRun(**{**given, **over}), author_id=1, author="Ana")


def test_name_and_description_are_tidied() -> None:
    run = create(name="  Tom \t novo ", description=" um \r\n dois  ")
    assert (run.name, run.description) == ("Tom novo", "um\n dois")
    assert create(description=" \n ").description == ""


@pytest.mark.parametrize("field", ["name", "description"])
@pytest.mark.parametrize("text", ["x" * 2_001, "olá\u202evocê", "olá\x07"])
def test_what_hides_or_is_too_long_is_refused_by_field(field, text) -> None:
    with pytest.raises(Invalid) as refusal:
        create(**{field: text})
    assert refusal.value.field == field


def test_a_name_of_blanks_is_none() -> None:
    with pytest.raises(Invalid) as refusal:
        create(name=" \t ")
    assert refusal.value.field == "name"


def test_reasons_gold_sets_and_saved_searches_hide_nothing_either() -> None:
    run = make_run(status="completed")
    for act in (
        lambda: promote(
            run, "candidate-1", author=Author(1, "Ana"), reason="por\u202e", may_override=True
        ),
        lambda: freeze("ouro", created_by="Ana", description="por\u202e"),
        lambda: save_search(user_id=1, name="cobran\u200bça", query={}, alert_from=None),
    ):
        with pytest.raises(Invalid) as refusal:
            act()
        assert refusal.value.code in {"text_hidden", "name_hidden"}
