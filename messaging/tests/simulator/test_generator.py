"""Generated traffic: the same for the same seed, in order, readable, and plausible."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any

import orjson
import pytest

from messaging.ingest.envelope import parse
from messaging.ingest.envelope.facts import (
    DeleteFact,
    EditFact,
    Ignored,
    ItemError,
    MessageFact,
    PollTallyFact,
    PollVoteFact,
    ReactionFact,
    ReadMarkerFact,
    StatusFact,
)
from messaging.simulator.demo import DEMO_CHATS, DEMO_LINES, DEMO_SEED
from messaging.simulator.dice import dice
from messaging.simulator.generator import GeneratedEvent, History, Strain, World, stream
from messaging.simulator.people import Addressing
from messaging.simulator.phrasebook import Speaker, book, verticals
from messaging.simulator.rhythm import SAO_PAULO
from messaging.simulator.versions import SUPPORTED

END = datetime(2026, 11, 16, 18, tzinfo=UTC)
START = END - timedelta(days=10)


def days(
    seed: int = 5, chats: int = 130, version: str = "2.3.7", **more: Any
) -> list[GeneratedEvent]:
    return list(stream(seed, chats, START, END, version, density=3.0, **more))


def decoded(events: list[GeneratedEvent]) -> list[dict[str, Any]]:
    return [orjson.loads(event.body) for event in events]


@cache
def demo() -> list[dict[str, Any]]:
    start = END - timedelta(days=90)
    return decoded(list(stream(DEMO_SEED, DEMO_CHATS, start, END, lines=DEMO_LINES)))


def test_a_seed_tells_the_whole_story():
    assert days() == days()
    assert days(seed=6) != days()


def test_events_come_in_order_and_in_their_span():
    events = days()
    assert all(before.at <= after.at for before, after in pairwise(events))
    assert events[0].at >= START
    assert events[-1].at < END


@pytest.mark.parametrize("version", SUPPORTED)
def test_every_body_is_read_without_a_problem(version: str):
    seen: Counter[type] = Counter()
    for event in days(version=version):
        envelope = parse(event.body, event.at)
        assert envelope.problems == ()
        assert envelope.instance == event.instance
        assert envelope.facts
        seen.update(type(fact) for fact in envelope.facts)
        for fact in envelope.facts:
            if isinstance(fact, MessageFact):
                assert fact.content.type != "unsupported", event.body
                assert not fact.occurred_at_estimated
    assert not seen[ItemError]
    # 2.2.3 tells of an edit by an update without a status, which says nothing.
    assert version == "2.2.3" or not seen[Ignored]
    assert {MessageFact, StatusFact, ReadMarkerFact, EditFact, DeleteFact, ReactionFact} <= set(
        seen
    )
    votes = {"2.2.3": PollTallyFact, "2.3.7": PollVoteFact}.get(version)
    assert votes is None or seen[votes] or seen[PollTallyFact]


@pytest.mark.parametrize(
    ("version", "kind", "expected"),
    [("2.2.3", str, "A"), ("2.3.2", str, "A"), ("2.3.6", dict, "C"), ("2.3.7", dict, "C")],
)
def test_each_version_spells_integers_its_own_way(version: str, kind: type, expected: str):
    images = [
        body["data"]["message"]["imageMessage"]
        for body in decoded(days(version=version))
        if body["event"] == "messages.upsert" and "imageMessage" in body["data"]["message"]
    ]
    assert images, expected
    assert all(isinstance(image["fileLength"], kind) for image in images)
    assert all(isinstance(image["mediaKey"], kind) for image in images)


def test_lids_follow_the_version():
    def keys(version: str) -> list[dict[str, Any]]:
        bodies = decoded(days(version=version))
        return [body["data"]["key"] for body in bodies if body["event"] == "messages.upsert"]

    assert not any("remoteJidAlt" in key for key in keys("2.2.3"))
    assert any("previousRemoteJid" in key for key in keys("2.3.2"))
    assert any(key["remoteJid"].endswith("@lid") and "remoteJidAlt" in key for key in keys("2.3.6"))
    swapped = [key for key in keys("2.3.7") if key.get("addressingMode") == "lid"]
    assert any(key["remoteJid"] == key.get("remoteJidAlt") for key in swapped)


def test_somebody_is_a_lid_first_and_a_phone_later():
    world = World(DEMO_SEED, DEMO_CHATS, DEMO_LINES)
    late = [
        person
        for person in map(world.person, range(DEMO_CHATS))
        if person.addressing is Addressing.LATE
    ]
    assert late
    keys = [body["data"]["key"] for body in demo() if body["event"] == "messages.upsert"]
    first = {key["remoteJid"] for key in keys}
    linked = {key.get("remoteJidAlt") for key in keys}
    assert any(person.lid in first and person.lid in linked for person in late)


def test_receipts_and_reads_follow_what_they_speak_of():
    known: set[str] = set()
    orphans = total = 0
    for event in stream(3, 150, START, END, chaos=0.0):
        for fact in parse(event.body, event.at).facts:
            if isinstance(fact, MessageFact):
                known.add(fact.provider_id)
            elif isinstance(fact, StatusFact | ReadMarkerFact):
                total += 1
                orphans += fact.provider_id not in known
    assert total > 100
    assert orphans <= total * 0.01


def test_chaos_repeats_some_events():
    def repeated(chaos: float) -> int:
        ids = [
            body["data"]["key"]["id"]
            for body in decoded(days(chaos=chaos))
            if body["event"] == "messages.upsert"
        ]
        return len(ids) - len(set(ids))

    assert repeated(0.0) == 0
    assert repeated(0.05) > 0


def test_the_rhythm_is_that_of_a_brazilian_business():
    end = datetime(2026, 11, 16, 3, tzinfo=UTC)
    hours: Counter[int] = Counter()
    weekdays: Counter[int] = Counter()
    for event in stream(9, 300, end - timedelta(days=35), end):
        local = event.at.astimezone(SAO_PAULO)
        hours[local.hour] += 1
        weekdays[local.weekday()] += 1
    assert hours[10] > hours[12] < hours[15]
    assert hours[3] < hours[10] / 20
    assert weekdays[0] == max(weekdays.values())
    assert weekdays[6] < weekdays[0] / 4


def test_texts_are_varied():
    texts = [
        body["data"]["message"]["conversation"]
        for body in demo()
        if body["event"] in {"messages.upsert", "send.message"}
        and "conversation" in body["data"]["message"]
    ]
    assert 7_000 < len(texts) < 15_000
    assert len(set(texts)) > len(texts) * 0.35
    assert max(Counter(texts).values()) < len(texts) * 0.01
    assert not any("{" in text or "=>" in text for text in texts)


def test_nobody_shares_a_number():
    world = World(1, 5_000)
    people = [world.person(index) for index in range(5_000)]
    assert len({person.jid for person in people}) == 5_000
    assert len({person.lid for person in people}) == 5_000
    assert any(len(person.jid.split("@")[0]) == 12 for person in people)
    assert all(len(person.phone) == 13 for person in people)


@pytest.mark.parametrize("vertical", verticals())
def test_every_template_can_be_filled(vertical: str):
    words = book(vertical)
    given = {"name": "Ana", "agent": "Camila", "business": "Loja", "daypart": "bom dia", "o": "a"}
    speaker = Speaker(words, dice(vertical), given)
    groups = [theme.lines for theme in words.themes.values()]
    for lines in [*groups, words.customer, words.agent, words.group]:
        for line in (line for several in lines.values() for line in several):
            assert speaker.fill(line.words)
            assert all(speaker.fill(reply) for reply in line.replies)


def test_a_bad_time_changes_moods_and_nothing_else():
    strained = Strain(START, END, share=1.0)

    def history(strain: Strain | None) -> list[dict[str, Any]]:
        world = World(DEMO_SEED, 120, DEMO_LINES, strain)
        told = History(world, START.timestamp(), END.timestamp(), "2.3.7", 0.0)
        return decoded(list(told.events(3.0)))

    plain, angry = history(None), history(strained)
    calm = history(Strain(END, END + timedelta(days=1), share=1.0))
    assert plain == calm
    said = book(DEMO_LINES[0].vertical).moods["furious"].emoji

    def furious(bodies: list[dict[str, Any]]) -> int:
        texts = (str(body["data"].get("message", "")) for body in bodies if "key" in body["data"])
        return sum(any(mark in text for mark in said) for text in texts)

    assert furious(angry) > 2 * furious(plain)
