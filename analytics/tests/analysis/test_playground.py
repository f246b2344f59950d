"""Sides of the playground: asked at the same time, until one deadline for all of them."""

import time
from threading import Barrier

import pytest

from analytics.analysis.items import ArmSpec
from analytics.prompting import playground
from analytics.prompting.playground import Column, pasted, try_out
from analytics.prompting.versions import Author, create_version
from analytics.tests.analysis.conftest import item

pytestmark = pytest.mark.usefixtures("committed", "tenant")


@pytest.fixture
def columns(provider):
    version = create_version(
        name="tom", task="message_analysis", body="Judge it.", author=Author(1, "Ana")
    )
    house = ArmSpec("provider", provider_id=provider.pk)
    own = ArmSpec("provider", provider_id=provider.pk, template=version)
    return [Column(str(at), arm) for at, arm in enumerate((house, ArmSpec(), own, house))]


def test_sides_wait_for_their_providers_at_the_same_time(columns, model):
    meet = Barrier(2)

    def answer(messages):
        # One after the other would wait for nobody here.
        meet.wait(60)
        return [item(one["id"], 0.3) for one in messages]

    model.answer = answer
    [line] = try_out(pasted("isso foi bom, olha só"), columns)
    assert [row.sentiment for row in line.answers] == [0.3, 0.8, 0.3, 0.3]
    # The same side twice is asked once.
    assert len(model.requests) == 2


def test_all_sides_end_with_one_deadline(columns, model, monkeypatch):
    monkeypatch.setattr(playground, "ends_at", time.monotonic)
    [line] = try_out(pasted("olha só isso aí"), columns)
    assert [row.status for row in line.answers] == ["timeout", "ok", "timeout", "timeout"]
    assert model.requests == []
