"""The review in the browser: blind, by permission, and honest about what is missing."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from analytics.analysis.boosting import boost, learn, packed, side_of, unpacked
from analytics.analysis.items import ArmSpec, Item
from analytics.analysis.judging import preview_items
from analytics.embedded.analyser import VERSION
from analytics.labelling import corrections, drawing, gold, review, training
from analytics.labelling.words import Word
from analytics.models import Booster, Label, ReviewItem
from analytics.tests.experiments.factories import make_gold, make_messages
from analytics.values import Judgement
from evosense.core.errors import Conflict
from evosense.core.schema import tenant_scope
from evosense.testing.databases import ALPHA, BETA
from messaging.services.judgements import MessageJudgement, store_judgements
from messaging.tests.factories import make_message
from tenancy.tests.factories import client_for


def ask(text="que demora, hein", **over):
    message = make_message(text=text)
    store_judgements(
        [MessageJudgement(message.pk, 0.77, "alegria", 83, "cordial", "RESUMO", 0.91, "embedded")]
    )
    drawing.ask_about([message.pk], stratum="asked", **over)
    return ReviewItem.objects.get(message=message)


def test_a_question_shows_the_text_and_no_judgement(tenant):
    item = ask()
    page = client_for("supervisor").get("/revisao/pergunta/").content.decode()
    question = page[page.index("<main") : page.index("</main>")].replace(str(item.public_id), "")
    assert "que demora, hein" in question
    for judged in (r"0[.,]77", "RESUMO", r"\b83\b", r"0[.,]91"):
        assert not re.search(judged, question)
    assert str(item.public_id) in page


def test_an_answer_is_kept_and_a_wrong_one_says_why(tenant):
    item = ask()
    client = client_for("supervisor")
    wrong = client.post("/revisao/pergunta/", {"item": item.public_id, "sentiment": "-1"})
    assert wrong.status_code == 422
    given = {"item": item.public_id, "sentiment": "-0.5", "emotion": "frustracao", "began": "1"}
    assert client.post("/revisao/pergunta/", given).status_code == 302
    label = Label.objects.get()
    assert (label.sentiment, label.emotion, label.source, label.seconds) == (
        -0.5,
        "frustracao",
        "review",
        3600,
    )
    twice = client.post("/revisao/pergunta/", given, follow=True)
    assert twice.status_code == 200
    assert Label.objects.count() == 1


def test_the_seconds_of_an_answer_are_counted_from_its_page(tenant, time_machine):
    time_machine.move_to(timezone.now(), tick=False)
    item = ask()
    client = client_for("supervisor")
    page = client.get("/revisao/pergunta/").content.decode()
    began = re.search(r'name="began" value="([^"]*)"', page)[1]
    time_machine.shift(42)
    given = {"item": item.public_id, "sentiment": "-0.5", "emotion": "frustracao", "began": began}
    assert client.post("/revisao/pergunta/", given).status_code == 302
    assert Label.objects.get().seconds == 42


def test_a_skip_shows_another_one(tenant):
    first, _second = ask("primeira"), ask("segunda")
    client = client_for("supervisor")
    assert "primeira" in client.get("/revisao/pergunta/").content.decode()
    page = client.post("/revisao/pergunta/", {"item": first.public_id, "skip": "1"})
    assert "segunda" in page.content.decode()


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("agent", 403), ("supervisor", 200)])
def test_who_may_review(tenant, role, status):
    assert client_for(role).get("/revisao/").status_code == status
    assert client_for(role).get("/revisao/pergunta/").status_code == status


def test_managers_draw_freeze_and_train(tenant):
    client = client_for("admin")
    assert client_for("supervisor").post("/revisao/sortear/", {"number": 5}).status_code == 403
    assert client.post("/revisao/sortear/", {"number": "x"}).status_code == 422
    early = client.post("/revisao/congelar/", {"name": "Cedo"})
    assert early.status_code == 422
    assert "Cedo" in early.content.decode()
    hidden = client.post("/revisao/congelar/", {"name": "Ou\u202ero"})
    assert 'id="id_name-error"' in hidden.content.decode()
    refused = client.post("/revisao/treinar/", follow=True)
    assert "500" in refused.content.decode()


def test_a_set_says_how_many_messages_it_holds(tenant):
    make_gold(make_messages(7), [(1.0, "alegria", 90)] * 7, name="Sem figuras")
    page = client_for("supervisor").get("/revisao/").content.decode()
    row = page[page.index("Sem figuras") :]
    assert re.search(r'<td class="r num" data-l="[^"]*">([^<]*)</td>', row)[1] == "7"


def test_another_companys_item_is_not_answered(tenant, other_tenant):
    with tenant_scope(BETA):
        foreign = ask("segredo")
    client = client_for("supervisor")
    given = {"item": foreign.public_id, "sentiment": "1", "emotion": "alegria"}
    assert client.post("/revisao/pergunta/", given).status_code == 404
    with tenant_scope(BETA):
        assert not Label.objects.exists()


def test_the_page_costs_the_same_for_many(tenant, count_queries):
    def queries():
        client = client_for("supervisor")
        with count_queries() as statements:
            client.get("/revisao/")
        return len(statements)

    few = queries()
    for number in range(12):
        ask(f"texto {number}")
    assert queries() == few


def test_counts_end_where_nobody_reads_them(tenant, monkeypatch):
    monkeypatch.setattr(review, "COUNTED", 5)
    monkeypatch.setattr(gold, "LOOKED_AT", 4)
    client = client_for("supervisor")
    for number in range(9):
        item = ask(f"texto {number}")
        if number < 6:
            review.answer(item.public_id, Word(1.0, "alegria"), user_id=number)
    assert review.counts() == {"open": 3, "disputed": 0, "done": 5}
    found = gold.figures()
    assert (found["answers"], found["messages"], found["people"]) == (4, 4, 4)
    assert ">4+<" in client.get("/revisao/").content.decode()
    for number in range(9, 12):
        ask(f"texto {number}")
    assert ">4+<" in client.get("/revisao/").content.decode()
    assert "4+" in client.get("/revisao/pergunta/").content.decode()


def test_no_figure_of_the_page_reads_more_than_it_shows(tenant):
    """Each of them ends at a limit, so that millions cost what thousands do."""
    ask()
    with CaptureQueriesContext(connection) as captured:
        review.counts()
        gold.figures()
        list(gold.settled())
    read = [one["sql"] for one in captured if "analytics_" in one["sql"]]
    assert read
    assert all("LIMIT" in sql or " IN (" in sql for sql in read)


def test_corrections_of_the_thread_do_not_count_as_answers(tenant):
    item = ask("que demora")
    corrections.correct(item.message.public_id, Word(-0.8, "raiva"), user_id=1)
    assert gold.figures()["messages"] == 0


def test_a_booster_moves_only_what_it_is_sure_of():
    import numpy as np

    dice = np.random.default_rng(1)
    sides = [-1, 0, 1] * 60
    rows = dice.normal(size=(180, 8)).astype(np.float32)
    rows[:, 0] += np.array(sides) * 4
    weights = unpacked(packed(learn(rows, sides, [1.0] * 180)))
    plain = Judgement(0.0, "neutro", 50, "neutro", "", 0.2)
    moved = boost(weights, rows, [plain] * 180)
    assert (
        np.mean([side_of(one.sentiment) == side for one, side in zip(moved, sides, strict=True)])
        > 0.85
    )
    unsure = np.zeros((1, 8), dtype=np.float32) + weights.mean
    good = Judgement(0.9, "alegria", 90, "cordial", "", 0.8)
    kept = boost(weights, unsure, [good])[0]
    assert kept.sentiment in (0.9, 0.0)


def test_a_booster_is_trained_from_settled_labels_and_can_be_an_arm(tenant, monkeypatch):
    with pytest.raises(Conflict, match="too_few_labels"):
        training.train()
    monkeypatch.setattr(training, "FEWEST_LABELS", 12)
    for number in range(12):
        item = ask(f"gíria local boa {number}" if number % 2 else f"gíria local ruim {number}")
        word = Word(1.0, "alegria") if number % 2 else Word(-1.0, "raiva")
        review.answer(item.public_id, word, user_id=1)
    booster = training.train()
    assert (booster.version, booster.labels, booster.state) == (1, 12, "candidate")
    assert booster.analyser == VERSION
    assert set(booster.figures) >= {"accuracy_alone", "accuracy_boosted"}
    row = preview_items([Item(-1, "gíria local ruim 99")], ArmSpec(booster=booster))[0]
    assert row.status == "ok"
    assert row.model_name.endswith("+booster-1")
    with tenant_scope(ALPHA):
        assert Booster.objects.count() == 1
