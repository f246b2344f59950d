"""People say what messages mean: blind, one at a time, and twice where that was asked."""

from datetime import UTC, datetime

import pytest

from analytics.labelling import corrections, drawing, gold, review
from analytics.labelling.words import Word
from analytics.models import GoldItem, Label, ReviewItem
from evosense.core.errors import Conflict, Invalid, NotFound
from evosense.core.ids import uuid7
from evosense.core.schema import tenant_scope
from evosense.testing.databases import ALPHA
from evosense.testing.threads import run_threads
from messaging.models import Message
from messaging.services.judgements import MessageJudgement, store_judgements
from messaging.tests.factories import make_message

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
ANA, BIA, CAIO = 1, 2, 3
BAD = Word(-1.0, "raiva", 10, "agressivo")
GOOD = Word(1.0, "alegria", 90, "cordial")


def asked(*, wanted=1, text="não chegou"):
    message = make_message(text=text)
    drawing.ask_about([message.pk], stratum="asked", wanted=wanted)
    return ReviewItem.objects.get(message=message)


def test_one_message_is_held_for_one_person(tenant):
    one, two = asked(), asked()
    first = review.next_question(ANA)
    assert first.id == one.public_id
    assert review.next_question(ANA).id == one.public_id, "a second tab shows the same"
    assert review.next_question(BIA).id == two.public_id
    with pytest.raises(Conflict, match="held"):
        review.answer(one.public_id, BAD, user_id=BIA)
    assert review.answer(one.public_id, BAD, user_id=ANA, seconds=4).state == "done"
    with pytest.raises(Conflict, match="already_done"):
        review.answer(one.public_id, GOOD, user_id=BIA)
    assert review.next_question(ANA) is None, "the other one is held"
    review.skip(two.public_id, user_id=BIA)
    assert review.next_question(ANA).id == two.public_id
    with pytest.raises(NotFound):
        review.answer(uuid7(), BAD, user_id=ANA)


def test_a_skipped_message_comes_last(tenant):
    one, two = asked(), asked()
    review.next_question(ANA)
    review.skip(one.public_id, user_id=ANA)
    assert review.next_question(ANA, skipped=one.public_id).id == two.public_id


def test_two_who_differ_need_a_third(tenant):
    item = asked(wanted=2)
    review.answer(item.public_id, BAD, user_id=ANA)
    with pytest.raises(Conflict, match="already_answered"):
        review.answer(item.public_id, GOOD, user_id=ANA)
    assert review.next_question(ANA) is None
    assert review.answer(item.public_id, GOOD, user_id=BIA).state == "disputed"
    question = review.next_question(CAIO)
    assert question.is_dispute
    assert review.answer(item.public_id, GOOD, user_id=CAIO).state == "done"
    assert gold.settled()[0].word == GOOD


def test_neighbours_on_one_side_agree():
    assert review.agree(BAD, Word(-0.5, "raiva"))
    assert not review.agree(BAD, Word(-0.5, "tristeza"))
    assert not review.agree(Word(0.0, "neutro"), Word(0.5, "neutro"))


@pytest.mark.parametrize(
    ("word", "field"),
    [
        (Word(), "sentiment"),
        (Word(sentiment=0.5), "emotion"),
        (Word(emotion="raiva"), "sentiment"),
        (Word(2.0, "raiva"), "sentiment"),
        (Word(float("nan"), "raiva"), "sentiment"),
        (Word(0.0, "furia"), "emotion"),
        (Word(0.0, "raiva", 101), "satisfaction"),
        (Word(0.0, "raiva", 50, "zen"), "tone"),
    ],
)
def test_what_cannot_be_said(tenant, word, field):
    with pytest.raises(Invalid) as refusal:
        review.answer(asked().public_id, word, user_id=ANA)
    assert refusal.value.field == field


def test_many_at_once_never_answer_the_same(committed):
    with tenant_scope(ALPHA):
        for _number in range(12):
            asked()

    def work(user_id):
        def answers():
            done = 0
            with tenant_scope(ALPHA):
                while question := review.next_question(user_id):
                    review.answer(question.id, BAD, user_id=user_id)
                    done += 1
            return done

        return answers

    done = run_threads([work(user) for user in (ANA, BIA, CAIO)])
    with tenant_scope(ALPHA):
        assert sum(done) == 12 == Label.objects.count()
        assert review.counts() == {"open": 0, "disputed": 0, "done": 12}


def test_a_correction_counts_at_once_and_stays(tenant):
    message = make_message(text="parabéns, hein")
    with pytest.raises(Conflict, match="not_judged"):
        corrections.correct(message.public_id, Word(emotion="raiva"), user_id=ANA)
    store_judgements(
        [MessageJudgement(message.pk, 0.8, "alegria", 80, "cordial", "", 0.6, "embedded")]
    )
    corrections.correct(message.public_id, Word(-0.8, "raiva"), user_id=ANA)
    corrections.correct(message.public_id, Word(tone="ironico"), user_id=ANA)
    store_judgements(
        [MessageJudgement(message.pk, 0.8, "alegria", 80, "cordial", "", 0.6, "embedded")]
    )
    now = Message.objects.get(pk=message.pk)
    assert (now.sentiment, now.emotion, now.satisfaction, now.tone) == (
        -0.8,
        "raiva",
        80,
        "ironico",
    )
    assert now.judged_by == "person"
    assert Label.objects.filter(is_current=True).count() == 1
    with pytest.raises(NotFound):
        corrections.correct(uuid7(), BAD, user_id=ANA)


def test_a_draw_is_repeatable_and_adds_nothing_twice(tenant):
    for number in range(40):
        make_message(text=f"mensagem {number}")
    assert drawing.draw(10, seed=7, since=LONG_AGO) == 5
    chosen = set(ReviewItem.objects.values_list("message_id", flat=True))
    assert drawing.draw(10, seed=7, since=LONG_AGO) == 0
    assert set(ReviewItem.objects.values_list("message_id", flat=True)) == chosen
    assert {round(item.probability, 3) for item in ReviewItem.objects.all()} == {0.125}
    for wrong in (0, 1_001):
        with pytest.raises(Invalid):
            drawing.draw(wrong, seed=1)


def test_a_set_is_frozen_with_texts_and_weights(tenant):
    with pytest.raises(Invalid):
        gold.freeze("cedo", created_by="Ana")
    for number in range(gold.FEWEST):
        item = asked(text=f"texto {number}", wanted=2)
        review.answer(item.public_id, BAD if number % 2 else GOOD, user_id=ANA)
        review.answer(item.public_id, BAD if number % 2 else GOOD, user_id=BIA)
    frozen = gold.freeze("Novembro", created_by="Ana")
    assert GoldItem.objects.filter(gold_set=frozen).count() == gold.FEWEST
    assert frozen.figures["people"] == 2
    assert frozen.figures["alpha_sentiment"] == 1
    Message.objects.update(text="changed later")
    assert GoldItem.objects.filter(text__startswith="texto").count() == gold.FEWEST
    with pytest.raises(Conflict, match="name_taken"):
        gold.freeze("Novembro", created_by="Ana")
