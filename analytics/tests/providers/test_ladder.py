"""Every mode of a server ends in a typed outcome, and the ladder is found and kept."""

import pytest

from analytics.providers.fake import MODES
from analytics.providers.models import Provider
from analytics.providers.refs import provider_ref
from analytics.tests.providers.helpers import KEY, ask_about, make_ref

# Mode: status, error, rungs tried.
OUTCOMES = {
    "ok": ("ok", "", ["json_schema"]),
    "no_json_schema": ("ok", "", ["json_schema", "tools"]),
    "no_tools": ("ok", "", ["json_schema", "tools", "json_object"]),
    "no_json_object": ("ok", "", ["json_schema"]),
    "only_plain": ("ok", "", ["json_schema", "tools", "json_object", "plain"]),
    "ignores_format": ("ok", "", ["json_schema"]),
    "prose": ("invalid", "invalid_answer", ["json_schema"] * 2),
    "wrong_ids": ("ok", "", ["json_schema"]),
    "missing_ids": ("ok", "", ["json_schema"]),
    "duplicate_ids": ("ok", "", ["json_schema"]),
    "out_of_range": ("ok", "", ["json_schema"]),
    "nothing": ("ok", "", ["json_schema"]),
    "slow": ("ok", "", ["json_schema"]),
    "limited": ("ok", "", ["json_schema"] * 2),
    "limited_long": ("error", "rate_limited", ["json_schema"]),
    "unauthorized": ("error", "unauthorized", ["json_schema"]),
    "forbidden": ("error", "forbidden", ["json_schema"]),
    "not_found": ("error", "not_found", ["json_schema"]),
    "quota": ("error", "quota", ["json_schema"]),
    "too_long": ("length", "too_long", ["json_schema"]),
    "filter": ("refused", "content_filter", ["json_schema"]),
    "bad_request": ("error", "bad_request", ["json_schema"]),
    "drops": ("error", "broken_answer", ["json_schema"] * 3),
    "silence": ("ok", "", ["json_schema"]),
    "drops_once": ("ok", "", ["json_schema"] * 2),
    "obeys": ("ok", "", ["json_schema"]),
    "no_usage": ("ok", "", ["json_schema"]),
    "lying_usage": ("ok", "", ["json_schema"]),
    "renames": ("ok", "", ["json_schema"] * 3),
    "length": ("length", "length", ["json_schema"]),
    "refusal": ("refused", "refusal", ["json_schema"]),
    "broken": ("error", "server_error", ["json_schema"] * 3),
    "broken_once": ("ok", "", ["json_schema"] * 2),
    "html": ("error", "not_json", ["json_schema"] * 3),
    "html_error": ("error", "server_error", ["json_schema"] * 3),
    "huge": ("length", "too_large", ["json_schema"]),
    "redirect": ("error", "redirected", ["json_schema"]),
    "deep": ("invalid", "invalid_answer", ["json_schema"] * 2),
}
OF_EMBEDDINGS = {"fixed_dimensions", "long_vectors", "broken_vectors", "few_vectors"}


def test_every_mode_of_the_fake_has_an_expected_outcome():
    assert set(OUTCOMES) | OF_EMBEDDINGS == set(MODES)


@pytest.mark.parametrize("mode", sorted(OUTCOMES))
def test_a_mode_ends_in_a_typed_outcome(tenant, fake, mode, monkeypatch):
    monkeypatch.setattr("analytics.providers.fake.modes.SLOW_SECONDS", 0.3)
    status, error, rungs = OUTCOMES[mode]
    found = ask_about(make_ref(fake.url_of(mode)))
    assert (found.status, found.error) == (status, error)
    assert [one.structured for one in found.attempts] == rungs
    assert (found.data is not None) == (status == "ok")
    assert [one.attempt for one in found.attempts] == list(range(1, len(rungs) + 1))
    assert all(0 <= one.input_tokens < 10**6 for one in found.attempts)
    assert all(0 <= one.output_tokens < 10**6 for one in found.attempts)


def test_a_hanging_server_ends_at_the_deadline(tenant, fake, monkeypatch):
    monkeypatch.setattr("analytics.providers.fake.modes.SLOW_SECONDS", 5)
    found = ask_about(make_ref(fake.url_of("slow")), seconds=1.0)
    assert (found.status, found.error) == ("timeout", "timed_out")
    assert found.attempts[0].latency_ms < 4_500, "before the server answered"
    # It may have done its work: what was sent counts against the budget.
    assert found.attempts[0].input_tokens > 0
    assert found.attempts[0].is_estimated


def test_a_name_that_nobody_has_ends_in_an_error(tenant):
    found = ask_about(make_ref("http://127.0.0.1:1/v1"))
    assert (found.status, found.error) == ("error", "connect_failed")
    assert len(found.attempts) == 3


def test_what_was_found_is_kept_for_the_next_question(tenant, fake):
    ref = make_ref(fake.url_of("only_plain"))
    ask_about(ref)
    stored = Provider.objects.defer("api_key").get(pk=ref.id).capabilities
    assert stored["structured"] == "plain"
    again = ask_about(provider_ref(ref.id))
    assert [one.structured for one in again.attempts] == ["plain"]


def test_renamed_parameters_are_kept(tenant, fake):
    ref = make_ref(fake.url_of("renames"))
    ask_about(ref)
    stored = Provider.objects.defer("api_key").get(pk=ref.id).capabilities
    assert stored["max_tokens_param"] == "max_completion_tokens"
    assert stored["temperature"] is False
    assert len(ask_about(provider_ref(ref.id)).attempts) == 1


def test_three_answers_that_ignore_the_level_lower_it(tenant, fake):
    ref = make_ref(fake.url_of("ignores_format"))
    for _ in range(3):
        assert ask_about(provider_ref(ref.id)).status == "ok"
    assert provider_ref(ref.id).capabilities.structured == "tools"


def test_two_such_answers_do_not(tenant, fake):
    ref = make_ref(fake.url_of("ignores_format"))
    for _ in range(2):
        ask_about(provider_ref(ref.id))
    fake.mode = "ok"
    assert provider_ref(ref.id).capabilities.structured == "json_schema"


def test_a_plain_400_does_not_lower_the_level(tenant, fake):
    ref = make_ref(fake.url_of("bad_request"))
    ask_about(ref)
    assert provider_ref(ref.id).capabilities.structured == "json_schema"


def test_values_are_those_of_the_texts_on_every_rung(tenant, fake):
    modes = ("ok", "no_json_schema", "no_tools", "only_plain")
    found = [ask_about(make_ref(fake.url_of(mode), name=mode)).data for mode in modes]
    assert all(one == found[0] for one in found)
    values = {item["id"]: item["sentiment"] for item in found[0]["items"]}
    assert values[1] > 0.3
    assert values[2] < -0.3


def test_a_re_ask_shows_the_model_its_mistake(tenant, fake):
    ask_about(make_ref(fake.url_of("prose")))
    said = fake.seen[-1].body["messages"]
    assert [one["role"] for one in said] == ["system", "user", "assistant", "user"]
    assert "not valid" in said[-1]["content"]


def test_usage_that_cannot_be_true_is_estimated(tenant, fake):
    for mode in ("no_usage", "lying_usage"):
        attempt = ask_about(make_ref(fake.url_of(mode), name=mode)).attempts[0]
        assert attempt.is_estimated
        assert 10 < attempt.input_tokens < 1_000
    attempt = ask_about(make_ref(fake.url_of("ok"), name="ok")).attempts[0]
    assert not attempt.is_estimated
    assert attempt.model_returned == "fake-1-2026-07"


def test_the_key_goes_along_and_shows_nowhere(tenant, fake):
    ref = make_ref(fake.base_url)
    found = ask_about(ref)
    assert fake.seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in repr(ref)
    assert KEY not in repr(found)


def test_a_server_that_wants_no_key_is_sent_none(tenant, fake):
    ask_about(make_ref(fake.base_url, key=None))
    assert "authorization" not in fake.seen[0].headers


def test_a_long_wish_to_wait_is_handed_to_the_caller(tenant, fake):
    found = ask_about(make_ref(fake.url_of("limited_long")))
    assert found.retry_after == 120


def test_nothing_more_is_asked_once_the_attempts_took_what_was_set_aside(tenant, fake):
    # Prose is asked about again, which is one attempt more.
    ref = make_ref(fake.url_of("prose"))
    first = ask_about(ref)
    used = first.attempts[0].input_tokens + first.attempts[0].output_tokens
    assert len(first.attempts) == 2
    found = ask_about(ref, most_tokens=used + 1_000)
    assert (found.status, found.error, len(found.attempts)) == ("invalid", "overspent", 1)
    # The first attempt always goes, and attempts that cost nothing do not count.
    assert len(ask_about(ref, most_tokens=1).attempts) == 1
    limited = ask_about(make_ref("http://127.0.0.1:1/v1", name="Outra"), most_tokens=1)
    assert (limited.error, len(limited.attempts)) == ("connect_failed", 3)
