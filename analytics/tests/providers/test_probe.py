from datetime import timedelta

import pytest
from django.utils import timezone

from analytics.models import AiNotice, ModelCall
from analytics.providers import tasks
from analytics.providers.asking import End
from analytics.providers.client import Reply
from analytics.providers.models import Provider
from analytics.providers.probe import _labels, probe
from analytics.providers.refs import provider_ref
from analytics.tests.providers.helpers import ask_about, make_provider
from evosense.core.errors import NotFound
from evosense.core.schema import public_scope, tenant_scope

RUNGS = ["json_schema", "tools", "json_object", "plain"]


def row_of(provider) -> Provider:
    return Provider.objects.defer("api_key").get(pk=provider.pk)


@pytest.mark.parametrize(
    ("mode", "tried"),
    [
        ("ok", 1),
        ("no_json_schema", 2),
        ("no_tools", 3),
        ("only_plain", 4),
        ("ignores_format", 4),
        ("renames", 1),
    ],
)
def test_the_rung_that_holds_is_found_and_kept(tenant, fake, mode, tried):
    made = make_provider(fake.url_of(mode), embedding_model="")
    report = probe(made.pk)
    assert (report.problem, report.is_right) == ("", True)
    assert [step.name for step in report.steps] == RUNGS[:tried]
    assert [not step.error for step in report.steps] == [False] * (tried - 1) + [True]
    assert provider_ref(made.pk).capabilities.structured == RUNGS[tried - 1]
    assert report.models == ("fake-1", "fake-2")
    assert row_of(made).checked_at is not None


def test_embeddings_are_tried_as_well(tenant, fake):
    report = probe(make_provider(fake.base_url).pk)
    assert report.steps[-1].name == "embeddings"
    assert report.capabilities.embeddings
    assert report.capabilities.embed_native_dim == 768


@pytest.mark.parametrize(
    ("mode", "problem", "steps"),
    [
        ("unauthorized", "unauthorized", 1),
        ("quota", "quota", 1),
        ("not_found", "not_found", 1),
        ("prose", "invalid_answer", 4),
        ("wrong_ids", "wrong_ids", 4),
        ("missing_ids", "wrong_ids", 4),
        ("html", "not_json", 4),
        ("refusal", "refusal", 4),
    ],
)
def test_a_problem_is_told_and_the_rows_stay(tenant, fake, mode, problem, steps):
    made = make_provider(fake.url_of(mode), capabilities={"structured": "tools"})
    report = probe(made.pk)
    assert report.problem == problem
    assert len(report.steps) == steps
    row = row_of(made)
    assert (row.problem, row.capabilities["structured"]) == (problem, "tools")
    assert row.breaker == "closed"


def test_a_model_that_confuses_praise_and_complaint_is_told(tenant, fake, monkeypatch):
    monkeypatch.setattr("analytics.providers.fake.scoring.sentiment_of", lambda _text: 0.9)
    report = probe(make_provider(fake.base_url).pk)
    assert (report.problem, report.is_right) == ("", False)


def test_a_good_test_ends_a_rest_and_its_notice(tenant, fake):
    made = make_provider(fake.url_of("unauthorized"))
    ask_about(provider_ref(made.pk))
    assert row_of(made).breaker == "open"
    Provider.objects.update(base_url=fake.base_url)
    probe(made.pk)
    assert row_of(made).breaker == "closed"
    assert AiNotice.objects.get().closed_at is not None


@pytest.mark.parametrize("items", [["x", None, 3, {"id": 1, "label": "positivo"}], 5, {"id": 1}])
def test_rows_of_any_kind_are_read(items):
    found = _labels(End("ok", data={"items": items}))
    assert found == ({1: "positivo"} if isinstance(items, list) else {})


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        (
            [{"id": "a\x00b\x1f"}, {"id": 3}, "x", {"id": "\x00"}, {"id": "m" * 500}],
            ("ab", "m" * 120),
        ),
        (7, ()),
        ({"a": 1}, ()),
    ],
)
def test_lists_of_models_are_made_fit_for_the_row(tenant, fake, monkeypatch, rows, names):
    reply = Reply(200, "", 1, data={"data": rows})
    monkeypatch.setattr("analytics.providers.probe.client.get", lambda *_a, **_k: reply)
    made = make_provider(fake.base_url, embedding_model="")
    assert probe(made.pk).models == names
    assert row_of(made).capabilities["last_test"]["models"] == list(names)


def test_a_server_that_was_updated_climbs_again(tenant, fake):
    made = make_provider(fake.base_url, capabilities={"structured": "plain", "temperature": False})
    probe(made.pk)
    found = provider_ref(made.pk).capabilities
    assert (found.structured, found.temperature) == ("json_schema", True)


def test_what_a_person_declared_stays(tenant, fake):
    made = make_provider(fake.base_url, capabilities={"is_matryoshka": True})
    probe(made.pk)
    assert provider_ref(made.pk).capabilities.is_matryoshka


def test_tests_are_written_down_as_calls(tenant, fake):
    probe(make_provider(fake.base_url).pk)
    assert set(ModelCall.objects.values_list("purpose", flat=True)) == {"probe"}
    assert ModelCall.objects.count() == 2


def test_others_cannot_be_tested(tenant, other_tenant, fake):
    with tenant_scope(other_tenant):
        theirs = make_provider(fake.base_url)
    with pytest.raises(NotFound):
        probe(theirs.pk)


def test_each_is_tested_once_a_day_and_ill_ones_more_often(tenant, fake):
    now = timezone.now()
    fresh = make_provider(fake.base_url, name="a", checked_at=now)
    stale = make_provider(fake.base_url, name="b", checked_at=now - timedelta(days=2))
    ill = make_provider(
        fake.base_url, name="c", checked_at=now - timedelta(hours=2), problem="quota"
    )
    off = make_provider(fake.base_url, name="d", is_active=False)
    with public_scope():
        due = {provider_id for provider_id, _tenant in tasks.due_providers()}
    assert due == {stale.pk, ill.pk}
    assert not {fresh.pk, off.pk} & due


def test_the_task_tests_and_survives_a_removal(tenant, fake):
    made = make_provider(fake.base_url)
    tasks._probe(made.pk)
    assert row_of(made).checked_at is not None
    made.delete()
    tasks._probe(made.pk)
