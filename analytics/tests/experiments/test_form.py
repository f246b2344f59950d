"""The form of a new experiment: every bad field at once, and nothing lost with another mode."""

import re

import pytest

from analytics.models import ExperimentRun
from analytics.tests.experiments.factories import make_gold, make_messages
from analytics.tests.experiments.test_pages import FORM, url

pytestmark = pytest.mark.usefixtures("tenant")


def values_of(page):
    """Return what a browser would send of the plain inputs of a page."""
    found = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name = re.search(r'name="([^"]*)"', tag)
        text = re.search(r'value="([^"]*)"', tag)
        if name:
            found[name[1]] = text[1] if text else ""
    return found


def fields_of(client, data):
    answer = client.get(url("create"), data, HX_REQUEST="true", headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return answer.content.decode()


def test_every_bad_field_is_told_at_once(client_for):
    bad = {
        "name": "x" * 400, "description": "x" * 5_000, "size": "abc", "min_effect": "-5",
        "budget": "1e99", "since": "ontem", "connection": "x", "baseline_engine": "nobody",
    }  # fmt: skip
    answer = client_for("admin").post(url("create"), FORM | bad)
    page = answer.content.decode()
    assert answer.status_code == 422
    for field in bad:
        assert f'id="id_{field}-error"' in page, field
    assert not ExperimentRun.objects.exists()


@pytest.mark.parametrize("mode", ["", "other", "gold"])
def test_an_unknown_or_incomplete_mode_is_told(client_for, mode):
    answer = client_for("admin").post(url("create"), FORM | {"mode": mode, "name": ""})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'id="id_name-error"' in page
    assert f'id="id_{"gold_set" if mode == "gold" else "mode"}-error"' in page


def test_what_was_written_for_one_mode_is_there_after_another(client_for):
    client = client_for("admin")
    gold = make_gold(make_messages(2), [(1.0, "alegria", 90)] * 2)
    written = {
        **FORM, "since": "2026-01-02", "until": "2026-02-03", "size": "321", "share": "7",
        "gold_set": str(gold.public_id), "candidate_2_engine": "words", "candidate_3_model": "m3",
        "primary_metric": "emotion_f1",
    }  # fmt: skip
    shown = dict(written)
    for mode in ("gold", "canary", "shadow", "backfill"):
        page = fields_of(client, shown | {"mode": mode})
        # Selects are not read here: they keep their value while they are shown.
        shown |= values_of(page)
    kept = ("since", "until", "size", "share", "gold_set", "candidate_2_engine")
    assert {name: shown[name] for name in kept} == {name: written[name] for name in kept}
    assert shown["candidate_3_model"] == "m3"
    assert shown["primary_metric"] == "emotion_f1"


def test_a_refused_form_keeps_what_its_mode_does_not_ask_for(client_for):
    answer = client_for("admin").post(url("create"), FORM | {"name": "", "share": "7"})
    assert values_of(answer.content.decode())["share"] == "7"


def test_what_another_mode_asks_for_is_not_used(client_for):
    answer = client_for("admin").post(
        url("create"), FORM | {"share": "abc", "gold_set": "x", "mode": "backfill"}
    )
    assert answer.status_code == 302
    assert ExperimentRun.objects.get().gold_set is None
