"""What a new experiment may be called and say, and what belongs to each way of finding messages."""

import re
from uuid import UUID

import pytest
from django.urls import reverse

from analytics.experiments.arms import Choice
from analytics.experiments.creating import NewRun, create_run
from analytics.experiments.promotion import promote
from analytics.labelling.gold import freeze
from analytics.models import ExperimentRun
from analytics.prompting.versions import Author
from analytics.search.saved import save_search
from analytics.tests.experiments.factories import make_run
from evosense.core.errors import Invalid
from messaging.tests.factories import START

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


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"gold_set": UUID(int=1)}, "gold_set"),
        ({"share": 0.1}, "share"),
        ({"mode": "shadow", "share": 0.1, "since": START}, "since"),
        ({"mode": "canary", "share": 0.1, "connections": [UUID(int=1)]}, "connections"),
        ({"mode": "gold", "gold_set": UUID(int=1), "size": 50}, "size"),
    ],
)
def test_what_belongs_to_another_mode_is_refused(over, field) -> None:
    with pytest.raises(Invalid) as refusal:
        create(**over)
    assert (refusal.value.field, refusal.value.code) == (field, "not_of_mode")


SHOWN = {
    "gold": {"gold_set", "primary_metric", "candidate_3_engine"},
    "backfill": {"connection", "since", "until", "size", "primary_metric", "candidate_3_engine"},
    "shadow": {"share", "size", "primary_metric", "candidate_3_engine"},
    "canary": {"share", "size"},
}


@pytest.mark.parametrize("mode", SHOWN)
def test_the_form_shows_what_the_mode_asks_for(client_for, mode) -> None:
    client, address = client_for("admin"), reverse("analytics:experiment-create")
    typed = {"mode": mode, "min_effect": "7", "candidate_1_engine": "words"}
    whole = client.get(address, typed).content.decode()
    part = client.get(address, typed, headers={"HX-Request": "true"}).content.decode()
    assert "<form" in whole
    assert "<form" not in part
    for page in (whole, part):
        shown = re.sub("<input hidden[^>]*>", "", page)
        names = set(re.findall(r'name="([a-z_0-9]+)"', shown))
        assert names & set().union(*SHOWN.values()) == SHOWN[mode]
        assert 'value="7"' in page
        assert re.search(r'value="words" selected', page)


def test_fields_of_another_mode_are_left_aside_by_the_form(client_for) -> None:
    form = {
        "name": "Sombra", "mode": "shadow", "share": "10", "size": "40", "min_effect": "5",
        "baseline_engine": "embedded", "candidate_1_engine": "words",
        "since": "2026-01-01", "until": "nonsense", "gold_set": str(UUID(int=1)),
    }  # fmt: skip
    answer = client_for("admin").post(reverse("analytics:experiment-create"), form)
    assert answer.status_code == 302
    run = ExperimentRun.objects.get()
    assert run.sample["size"] == 40
    assert "since" not in run.sample
    assert run.gold_set is None
