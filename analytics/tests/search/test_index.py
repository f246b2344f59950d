"""The index of near neighbours: there when needed, and found out when it misses."""

import numpy as np
import pytest
from django.db import connection

from analytics.models import AiNotice, EmbeddingModel, MessageEmbedding
from analytics.search import cuts, index, meaning, recall, spaces, storing
from messaging.models import Message
from messaging.tests.factories import make_conversation, make_message

ROWS = 600


@pytest.fixture(autouse=True)
def stage(committed, tenant):
    """Commit, because indexes are built outside transactions; leave none behind."""
    yield
    for space in EmbeddingModel.objects.all():
        index.drop_index(space)


def fill(rows=ROWS, clusters=40, seed=3):
    """Store clustered places, one message each; returns the space and the vectors by message."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(clusters, 768))
    talk = make_conversation()
    first = make_message(talk)
    Message.objects.bulk_create(
        [
            Message(
                connection_id=talk.connection_id,
                conversation=talk,
                provider_id=f"bulk{number}",
                direction="inbound" if number % 20 else "outbound",
                source="customer",
                type="text",
                text="",
                status="received",
                occurred_at=first.occurred_at,
                received_at=first.received_at,
            )
            for number in range(rows)
        ]
    )
    pks = list(
        Message.objects.filter(provider_id__startswith="bulk")
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    vectors = centres[random.integers(clusters, size=rows)] + random.normal(size=(rows, 768))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    space = spaces.make_space("embed-test-1", state="active")
    by_message = dict(zip(pks, vectors, strict=True))
    storing.store(space, by_message)
    return space, by_message


def truth(vectors, query, limit=20):
    near = sorted(((float(one @ query), pk) for pk, one in vectors.items()), reverse=True)
    return {pk for _similarity, pk in near[:limit]}


def test_it_is_built_above_and_dropped_below_and_only_once(monkeypatch):
    space, vectors = fill()
    assert index.ensure_index(space) == ""
    assert index.ensure_index(space, above=500) == "built"
    assert index.is_indexed(space)
    assert index.ensure_index(space, above=500) == ""
    some = list(vectors)[:200]
    MessageEmbedding.objects.filter(message_id__in=some).delete()
    assert index.ensure_index(space, above=500) == "dropped"
    assert not index.is_indexed(space)


def test_what_a_killed_build_left_is_dropped():
    space, _vectors = fill(rows=60)
    index.ensure_index(space, above=10)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass",
            [index.index_name(space)],
        )
    assert not index.is_indexed(space)
    assert index.ensure_index(space) == "dropped"
    assert index._state(space) is None


def test_with_and_without_the_index_the_true_neighbours_are_found():
    space, vectors = fill()
    query = next(iter(vectors.values()))
    wanted = truth(vectors, query)
    assert {pk for pk, _near in meaning.nearest(space, query, 20)} == wanted
    index.ensure_index(space, above=10)
    found = meaning.nearest(space, query, 20)
    assert len({pk for pk, _near in found} & wanted) >= 19
    assert [near for _pk, near in found] == sorted((near for _pk, near in found), reverse=True)


@pytest.mark.parametrize("exact_up_to", [20_000, 0])
def test_a_filter_never_leaves_fewer_than_there_are(monkeypatch, exact_up_to):
    monkeypatch.setattr(meaning, "EXACT_UP_TO", exact_up_to)
    space, vectors = fill()
    index.ensure_index(space, above=10)
    rows = Message.objects.filter(direction="outbound")
    few = set(rows.values_list("pk", flat=True))
    query = next(iter(vectors.values()))
    found = [pk for pk, _near in meaning.nearest(space, query, 20, rows=rows)]
    assert len(found) == 20
    assert set(found) <= few
    wanted = truth({pk: vectors[pk] for pk in few if pk in vectors}, query)
    assert len(wanted & set(found)) >= 18


def test_the_index_is_walked_and_nothing_sorted():
    space, vectors = fill()
    index.ensure_index(space, above=10)
    query = next(iter(vectors.values()))
    plans = []

    def explain(execute, sql, params, many, context):
        if "WITH near" in sql and not sql.startswith("EXPLAIN"):
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {sql}", params)
                plans.append("\n".join(row[0] for row in cursor.fetchall()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        meaning.nearest(space, query, 20)
    assert index.index_name(space) in plans[0]


def test_the_weekly_check_widens_the_search_then_tells(monkeypatch):
    space, _vectors = fill(rows=200)
    index.ensure_index(space, above=10)
    assert recall.check_if_due(space) >= recall.ENOUGH
    space.refresh_from_db()
    assert space.recall_at
    assert recall.check_if_due(space) is None
    monkeypatch.setattr(recall, "measure", lambda space: 0.5 if space.ef_search < 400 else 0.96)
    assert recall.check(space) == 0.96
    assert EmbeddingModel.objects.get().ef_search == 400
    rebuilt = []
    monkeypatch.setattr(recall, "measure", lambda space: 0.6)
    monkeypatch.setattr(index, "rebuild_index", rebuilt.append)
    recall.check(space)
    recall.check(space)
    assert len(rebuilt) == 2
    assert AiNotice.objects.filter(kind="recall", closed_at=None).count() == 1
    monkeypatch.setattr(recall, "measure", lambda space: 0.99)
    recall.check(space)
    assert not AiNotice.objects.filter(kind="recall", closed_at=None).exists()


def test_cuts_part_what_is_alike_from_what_is_not_and_wait_for_enough():
    space, _vectors = fill(rows=100)
    assert not cuts.measure_if_due(space)
    assert spaces.cuts(space) == spaces.EMBEDDED_CUTS
    MessageEmbedding.objects.all().delete()
    EmbeddingModel.objects.all().delete()
    Message.objects.filter(provider_id__startswith="bulk").delete()
    space, vectors = fill(rows=2_000)
    assert cuts.measure_if_due(space)
    space.refresh_from_db()
    matrix = np.array(list(vectors.values()))
    near = (matrix @ matrix.T)[np.triu_indices(len(matrix), 1)]
    # One pair in forty is of one cluster, as with forms that a company sends again and again.
    alike, strange = near[near > 0.3], near[near < 0.3]
    assert len(alike) > 0.02 * len(near)
    assert np.percentile(strange, 95) < space.medium_from < np.percentile(alike, 5)
    assert space.strong_from >= space.medium_from + cuts.APART
    assert not cuts.measure_if_due(space)
