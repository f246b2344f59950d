"""Searches that somebody kept who leaves: they go to the heir, or nowhere."""

import pytest

from analytics.models import AiNotice, SavedSearch
from analytics.search import saved
from evosense.core.handover import estates_of, hand_over

pytestmark = pytest.mark.usefixtures("tenant")
GONE, HEIR = 601, 602


def keep(user_id, name):
    return saved.save_search(user_id=user_id, name=name, query={"q": "troca"}, alert_from=3)


def names(user_id):
    return [row.name for row in saved.saved_searches(user_id)]


def test_they_go_on_under_names_that_are_free():
    for name in ("Trocas", "Trocas (2)", "Elogios"):
        keep(GONE, name)
    keep(HEIR, "Trocas")
    assert [(one.name, one.count) for one in estates_of(GONE)] == [("searches", 3)]
    assert hand_over(GONE, {"searches": HEIR}) == {"searches": 3}
    assert names(HEIR) == ["Elogios", "Trocas", "Trocas (2)", "Trocas (2) (2)"]
    assert names(GONE) == []


def test_nobody_keeps_more_than_fits(monkeypatch):
    monkeypatch.setattr(saved, "MOST_SAVED", 2)
    for name in ("a", "b"):
        keep(GONE, name)
    keep(HEIR, "c")
    assert hand_over(GONE, {"searches": HEIR}) == {"searches": 1}
    assert (names(HEIR), names(GONE)) == (["a", "c"], [])


def test_without_an_heir_their_notices_close():
    row = keep(GONE, "Trocas")
    AiNotice.objects.create(
        kind=AiNotice.Kind.SAVED_SEARCH,
        subject=str(row.public_id),
        detail={"hits": 9, "day": "2026-03-01"},
    )
    assert hand_over(GONE, {"searches": None}) == {}
    assert not SavedSearch.objects.exists()
    assert AiNotice.objects.get().closed_at is not None
