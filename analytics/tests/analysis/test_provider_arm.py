"""What becomes of a batch when a provider answers well, badly, partly or not at all."""

import pytest

from analytics.analysis.enqueue import note_messages
from analytics.analysis.items import ArmSpec, Item
from analytics.analysis.judging import judge_items, preview_items
from analytics.analysis.replies import suggest_replies
from analytics.analysis.worker import work_off
from analytics.models import AiSettings, CachedJudgement, Inference, ModelCall
from analytics.providers.chat import ChatOutcome
from analytics.tests.analysis.conftest import item
from analytics.values import Turn
from messaging.tests.factories import make_conversation, make_message
from tenancy.tests.factories import make_member, make_user

TEXTS = ["o pedido chegou hoje", "quanto custa o frete", "isso foi ruim", "foi muito bom"]


@pytest.fixture
def items(tenant) -> list[Item]:
    talk = make_conversation()
    return [Item(make_message(talk, text=text).pk, text) for text in TEXTS]


@pytest.fixture
def arm(provider) -> ArmSpec:
    return ArmSpec(kind="provider", provider_id=provider.pk)


def _judge(items, arm, **over) -> dict[int, Inference]:
    rows = judge_items(items, arm, **{"run_key": "live:x:m-1", **over})
    return {row.message_id: row for row in rows}


def test_one_request_judges_the_batch_and_its_cost_is_shared(items, arm, model) -> None:
    rows = _judge(items, arm)
    assert model.texts() == [TEXTS]
    assert {row.sentiment for row in rows.values()} == {0.3}
    call = ModelCall.objects.get()
    assert (call.items, call.input_tokens, call.output_tokens) == (4, 100, 50)
    # 100 tokens at 1 and 50 at 4 a million.
    assert call.cost_micros == 300
    assert sum(row.cost_micros for row in rows.values()) == 300
    assert sum(row.output_tokens for row in rows.values()) == 50
    row = rows[items[0].message_id]
    assert (row.provider, row.model_name, row.call_id) == ("Modelo", "m-1", call.pk)
    assert row.prompt_version == "house:analise-padrao"


def test_instructions_and_messages_travel_apart(items, arm, model) -> None:
    _judge(items, arm)
    assert not any(text in model.systems[0] for text in TEXTS)
    first, second = model.requests[0]["boundary"], model.requests[0]["messages"][0]
    assert len(first) == 16
    assert second == {"id": 1, "text": TEXTS[0], "context": []}


def test_a_missing_item_is_asked_about_alone(items, arm, model) -> None:
    model.answer = lambda messages: [
        item(one["id"]) for one in messages if one["text"] != TEXTS[1] or len(messages) == 1
    ]
    rows = _judge(items, arm)
    assert model.texts() == [TEXTS, [TEXTS[1]]]
    assert all(row.status == "ok" and not row.is_degraded for row in rows.values())
    assert rows[items[1].message_id].attempt == 2


def test_ids_that_nobody_asked_about_and_repeated_ones_are_dropped_and_counted(
    items, arm, model
) -> None:
    def answer(messages):
        found = [item(one["id"]) for one in messages]
        return [*found, item(99, -1.0), item(True), item(1, -1.0)] if len(messages) > 1 else found

    model.answer = answer
    rows = _judge(items, arm)
    assert {row.sentiment for row in rows.values()} == {0.3}
    assert model.texts()[1:] == [[TEXTS[0]]]
    assert ModelCall.objects.order_by("pk")[0].repairs == 4


@pytest.mark.parametrize(
    "wrong",
    [
        {"sentiment": 1.7},
        {"sentiment": "0.4"},
        {"sentiment": True},
        {"sentiment": None},
        {"satisfaction": 101},
        {"confidence": -0.1},
        {"emotion": "eufórico"},
        {"tone": "<b>"},
        {"summary": ["x"]},
    ],
)
def test_a_wrong_value_is_an_error_of_its_item_and_never_moved_to_the_edge(
    items, arm, model, wrong
) -> None:
    model.answer = lambda messages: [
        item(one["id"], **(wrong if one["text"] == TEXTS[2] else {})) for one in messages
    ]
    rows = _judge(items, arm)
    bad = rows.pop(items[2].message_id)
    assert all(row.status == "ok" and not row.is_degraded for row in rows.values())
    assert (bad.is_degraded, bad.provider, bad.sentiment) == (True, "embedded", -0.8)
    assert bad.error in {"out_of_range", "unknown_word", "wrong_type"}
    assert model.texts() == [TEXTS, [TEXTS[2]]]


def test_halving_leaves_the_poison_message_alone(items, arm, model) -> None:
    def answer(messages):
        if any(one["text"] == TEXTS[2] for one in messages):
            return ChatOutcome("invalid", "invalid_answer")
        return [item(one["id"]) for one in messages]

    model.answer = answer
    rows = _judge(items, arm)
    bad = rows.pop(items[2].message_id)
    assert (bad.is_degraded, bad.error) == (True, "invalid_answer")
    assert all(row.sentiment == 0.3 for row in rows.values())
    assert [len(each) for each in model.texts()] == [4, 2, 2, 1, 1]


def test_an_answer_that_is_too_long_is_asked_for_in_halves(items, arm, model) -> None:
    model.answer = lambda messages: (
        ChatOutcome("length", "length")
        if len(messages) > 2
        else [item(one["id"]) for one in messages]
    )
    rows = _judge(items, arm)
    assert not any(row.is_degraded for row in rows.values())
    assert [len(each) for each in model.texts()] == [4, 2, 2]


def test_a_provider_that_is_down_is_asked_once_and_the_embedded_analyser_stands_in(
    items, arm, model
) -> None:
    model.answer = lambda _messages: ChatOutcome("error", "server_error")
    rows = _judge(items, arm)
    assert len(model.requests) == 1
    assert {(row.status, row.is_degraded, row.error) for row in rows.values()} == {
        ("ok", True, "server_error")
    }
    assert {row.sentiment for row in rows.values()} == {0.0, 0.8, -0.8}
    assert {row.run_key for row in rows.values()} == {"degraded:live:x:m-1"}


def test_an_experiment_is_not_helped_by_the_stand_in(items, arm, model) -> None:
    model.answer = lambda _messages: ChatOutcome("timeout", "timed_out")
    rows = _judge(items, arm, run_key="run-1", run_id="run-1", arm_key="b", part="experiments")
    assert {(row.status, row.error, row.sentiment) for row in rows.values()} == {
        ("timeout", "timed_out", None)
    }


def test_without_a_provider_the_reason_is_on_the_row(items, model) -> None:
    rows = _judge(items, ArmSpec(kind="provider", provider_id=None))
    assert {(row.is_degraded, row.error) for row in rows.values()} == {(True, "no_provider")}
    assert model.requests == []


def test_the_same_text_in_the_same_context_is_answered_from_memory(items, arm, model) -> None:
    _judge(items, arm)
    talk = make_conversation()
    again = [
        Item(make_message(talk).pk, f"  {TEXTS[0]} "),
        Item(make_message(talk).pk, TEXTS[0], (Turn("A", "outra coisa"),)),
    ]
    rows = _judge(again, arm)
    assert model.texts()[1:] == [[TEXTS[0]]]
    first, second = (rows[each.message_id] for each in again)
    assert (first.is_cached, first.cost_micros, first.sentiment) == (True, 0, 0.3)
    assert not second.is_cached
    assert CachedJudgement.objects.order_by("pk")[0].hits in {0, 1}
    assert sum(CachedJudgement.objects.values_list("hits", flat=True)) == 1


def test_another_company_has_another_memory(items, arm, model, other_tenant) -> None:
    from analytics.analysis import cache
    from analytics.analysis.calls import asked_of
    from analytics.analysis.items import Mark
    from analytics.analysis.prompts import prompt_of
    from analytics.providers.refs import provider_ref
    from evosense.core.schema import tenant_scope

    asked = asked_of(
        provider_ref(arm.provider_id), "", prompt_of("message_analysis", None), "", Mark("x")
    )
    here = cache.key_of(items[0], asked)
    with tenant_scope(other_tenant):
        assert cache.key_of(items[0], asked) != here


def test_greetings_are_not_paid_for(tenant, arm, model) -> None:
    talk = make_conversation()
    said = ["bom dia!", "👍", "12345", "muito obrigado", "sim", "não", "de novo?"]
    found = [Item(make_message(talk, text=text).pk, text) for text in said]
    rows = _judge(found, arm)
    assert model.texts() == [["sim", "não", "de novo?"]]
    first = rows[found[0].message_id]
    assert (first.provider, first.is_degraded) == ("embedded", False)


def test_the_short_cut_can_be_switched_off(tenant, arm, model) -> None:
    AiSettings.objects.update(takes_short_cut=False)
    _judge([Item(make_message(text="bom dia").pk, "bom dia")], arm)
    assert model.texts() == [["bom dia"]]


def test_personal_data_stays_here_and_comes_back_into_the_summary(tenant, arm, model) -> None:
    text = "meu cpf é 529.982.247-25, sou a Joana"
    model.answer = lambda messages: [
        item(one["id"], summary=f"Cliente disse: {one['text']}") for one in messages
    ]
    one = Item(make_message(text=text).pk, text, names=("Joana",))
    rows = _judge([one], arm)
    sent = model.texts()[0][0]
    assert "529" not in sent
    assert "Joana" not in sent
    assert rows[one.message_id].summary == f"Cliente disse: {text}"


def test_names_of_those_who_work_here_stay_here(tenant, arm, model) -> None:
    make_member("agent", user=make_user(name="Fernanda Queiroz"))
    text = "a FERNANDA me atendeu, depois o Queiroz"
    message = make_message(text=text)
    note_messages([message.pk])
    work_off()
    preview_items([Item(-1, text)], arm, is_fresh=True)
    model.answer = lambda _messages: {"suggestions": []}
    suggest_replies(message.conversation_id, agent="Fernanda Queiroz")
    sent = f"{model.requests}{model.systems}"
    assert len(model.requests) == 3
    assert "fernanda" not in sent.casefold()
    assert "queiroz" not in sent.casefold()


def test_redaction_is_off_only_where_the_company_said_so(tenant, arm, model) -> None:
    AiSettings.objects.update(redacts=False)
    text = "meu cpf é 529.982.247-25 e nada chegou"
    _judge([Item(make_message(text=text).pk, text)], arm)
    assert model.texts() == [[text]]


def test_a_summary_leads_nowhere_and_shows_no_mark_up(tenant, arm, model) -> None:
    text = "veja https://loja.example/pedido e me responda por favor, está tudo parado há dias"
    model.answer = lambda messages: [
        item(
            one["id"],
            summary="<img src=x onerror=alert(1)> [clique](http://mau.example) **Veja**"
            " https://loja.example/pedido ou ligue +55 11 98888-7777, mau@mau.example",
        )
        for one in messages
    ]
    AiSettings.objects.update(redacts=False)
    row = _judge([Item(make_message(text=text).pk, text)], arm).popitem()[1]
    assert row.summary.startswith("clique")
    assert "https://loja.example/pedido" in row.summary
    for bad in ("<", "mau.example", "98888", "**", "http://"):
        assert bad not in row.summary


def test_the_playground_keeps_calls_and_no_rows(items, arm, model) -> None:
    rows = preview_items(items, arm)
    assert [row.sentiment for row in rows] == [0.3] * 4
    assert not Inference.objects.exists()
    assert ModelCall.objects.count() == 1


def test_the_same_judging_twice_leaves_one_row_a_message(items, arm, model) -> None:
    _judge(items, arm)
    model.answer = lambda messages: [item(one["id"], -1.0) for one in messages]
    CachedJudgement.objects.all().delete()
    rows = _judge(items, arm)
    assert {row.sentiment for row in rows.values()} == {0.3}
    assert Inference.objects.count() == 4
