"""Hysteresis, as rules that hold for every sequence of looks."""

from hypothesis import given
from hypothesis import strategies as st

from messaging.services.health.verdict import (
    DEGRADED,
    DOWN,
    HEALTHY,
    Finding,
    Standing,
    gravest,
    kinds_of,
    read,
    step,
    stored,
    verdict,
)

RANK = {"": 0, HEALTHY: 0, DEGRADED: 1, DOWN: 2}
LOOKS = st.lists(st.sampled_from([HEALTHY, DEGRADED, DOWN]), max_size=40)


def run(looks: list[str], start: Standing | None = None) -> list[Standing]:
    standing, before, found = start or Standing(HEALTHY), HEALTHY, []
    for now in looks:
        standing = step(standing, before=before, now=now)
        before = now
        found.append(standing)
    return found


@given(LOOKS)
def test_it_gets_worse_only_after_two_bad_looks_in_a_row(looks: list[str]) -> None:
    health = HEALTHY
    for place, standing in enumerate(run(looks)):
        if RANK[standing.health] > RANK[health]:
            assert place >= 1
            assert all(RANK[one] > RANK[health] for one in looks[place - 1 : place + 1])
            assert standing.health == min(looks[place - 1 : place + 1], key=RANK.__getitem__)
        health = standing.health


@given(LOOKS)
def test_it_gets_better_only_after_three_good_looks_in_a_row(looks: list[str]) -> None:
    health = HEALTHY
    for place, standing in enumerate(run(looks)):
        if RANK[standing.health] < RANK[health]:
            assert place >= 2
            assert all(RANK[one] < RANK[health] for one in looks[place - 2 : place + 1])
        health = standing.health


@given(LOOKS, st.sampled_from([HEALTHY, DEGRADED, DOWN]))
def test_what_lasts_counts_in_the_end(looks: list[str], lasting: str) -> None:
    # Six looks: three to leave what was, and three more where the last ones differed.
    last = run([*looks, *[lasting] * 6])[-1]
    assert last == Standing(lasting, 0)


@given(LOOKS)
def test_a_look_that_agrees_ends_every_streak(looks: list[str]) -> None:
    for standing, look in zip(run(looks), looks, strict=True):
        if standing.health == look:
            assert standing.streak == 0
        assert standing.streak <= 2


def test_the_first_good_look_counts_and_the_first_bad_one_does_not() -> None:
    assert step(Standing(), before=HEALTHY, now=HEALTHY) == Standing(HEALTHY)
    assert step(Standing(), before=HEALTHY, now=DOWN) == Standing("", 1)


def test_silence_alone_never_changes_the_verdict() -> None:
    silent = Finding("traffic", "warn", "silent", 3600)
    assert verdict([silent, Finding("probe", "ok", "open")]) == HEALTHY
    assert verdict([silent, Finding("probe", "unknown", "no_server")]) == HEALTHY
    assert verdict([silent, Finding("probe", "warn", "unproven")]) == DEGRADED
    assert silent.kind == ""


def test_the_gravest_finding_speaks_and_names_its_incident() -> None:
    findings = [
        Finding("acks", "warn", "late", 12),
        Finding("probe", "bad", "timed_out"),
        Finding("webhook", "bad", "foreign"),
    ]
    assert verdict(findings) == DOWN
    spoken = gravest(findings)
    assert spoken is not None
    assert spoken.signal == "probe"
    assert set(kinds_of(findings)) == {"acks", "server_down", "webhook"}
    assert read(stored(findings)) == findings
