from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.experiments.sampling import allot, draw, freeze_sample
from analytics.models import SampleItem
from analytics.tests.experiments.factories import make_gold, make_messages, make_run
from messaging.selectors.samples import count_drawable, drawable_messages
from messaging.tests.factories import START, make_contact, make_conversation, make_message

LATER = START + timedelta(days=90)


@given(
    st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(1, 300), min_size=1),
    st.integers(1, 400),
)
def test_every_stratum_gets_its_share_and_no_more_than_it_has(counts, size):
    parts = allot(counts, size)
    total = sum(counts.values())
    assert sum(parts.values()) == min(size, total)
    for name, part in parts.items():
        assert part <= counts[name]
        assert abs(part - min(size, total) * counts[name] / total) < 1


@pytest.mark.usefixtures("tenant")
def test_groups_sent_deleted_and_empty_messages_are_never_drawn():
    kept = make_message()
    make_message(make_conversation(contact=make_contact("Grupo", kind="group")))
    make_message(direction="outbound")
    make_message(text="")
    make_message(is_hidden=True)
    make_message(deleted_at=START)
    make_message(occurred_at=START - timedelta(days=2))
    found = drawable_messages(START - timedelta(days=1), LATER)
    assert [one.message_id for one in found] == [kept.pk]
    assert count_drawable(START - timedelta(days=1), LATER) == 1
    other = make_conversation()
    chosen = [other.connection.public_id]
    assert drawable_messages(START - timedelta(days=1), LATER, chosen) == []


@pytest.mark.usefixtures("tenant")
def test_the_same_seed_draws_the_same_messages_of_all_classes():
    make_messages(30, sentiment=-0.8)
    make_messages(60, sentiment=0.0)
    make_messages(10, sentiment=0.9, text="obrigada, ficou tudo certo com a entrega do pedido")
    found = drawable_messages(START - timedelta(days=1), LATER)
    drawn = draw(found, 50, seed=7)
    assert drawn == draw(found, 50, seed=7)
    assert set(drawn) != set(draw(found, 50, seed=8))
    judged = Counter(stratum.split("/")[1] for stratum, _weight in drawn.values())
    assert sum(judged.values()) == 50
    assert abs(judged["negative"] - 15) <= 3
    assert abs(judged["neutral"] - 30) <= 3
    assert abs(judged["positive"] - 5) <= 3
    weights = [weight for _stratum, weight in drawn.values()]
    assert sum(weights) / 50 == pytest.approx(1, abs=0.1)


@pytest.mark.usefixtures("tenant")
def test_text_and_context_are_frozen_with_the_start():
    conversation = make_conversation()
    make_message(conversation, text="Bom dia", direction="outbound", sentiment=None)
    message = make_message(conversation, text="não chegou")
    run = make_run()
    assert freeze_sample(run) == 1
    message.text = "deixa pra lá"
    message.save()
    item = SampleItem.objects.get(run=run)
    assert item.text == "não chegou"
    assert item.context == [{"who": "A", "text": "Bom dia"}]
    run.refresh_from_db()
    assert freeze_sample(run) == 1
    assert SampleItem.objects.filter(run=run).count() == 1


@pytest.mark.usefixtures("tenant")
def test_a_gold_run_takes_every_item_of_its_set_as_it_was():
    messages = make_messages(4)
    gold = make_gold(messages, [(0.5, "alegria", 80)] * 4)
    run = make_run(mode="gold", gold_set=gold, sample={"planned": 626, "size": 626})
    assert freeze_sample(run) == 4
    items = SampleItem.objects.filter(run=run).order_by("position")
    assert [item.message_id for item in items] == [message.pk for message in messages]
    assert {item.conversation_id for item in items} == {m.conversation_id for m in messages}
