"""The scanner against clamd itself: our double is asked always, the real one where it is installed.

Both must bring about the same, so that what the other tests prove with the double holds.
"""

import io
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from messaging.services.media import scanner
from messaging.services.media.refusals import Refused, ScannerAway
from messaging.tests.media.clamd import EICAR, running_clamd
from messaging.tests.media.real_clamd import PROGRAM, running_real_clamd

LIMIT = 1024 * 1024
REAL = ["real"] if PROGRAM else []
only_real = pytest.mark.skipif(PROGRAM is None, reason="needs Debian's clamav-daemon")


@pytest.fixture
def folder():
    # Shorter than pytest's own: the path of a socket has 107 bytes at most.
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture
def use(settings):
    def using(address: str) -> None:
        settings.MEDIA = replace(settings.MEDIA, scanner=address)

    return using


@pytest.fixture(scope="module")
def served():
    """Every daemon once for the module, by kind and way to it."""
    with (
        tempfile.TemporaryDirectory() as name,
        running_clamd() as (tcp, first),
        running_clamd(Path(name) / "double.ctl") as (unix, second),
    ):
        first.limit = second.limit = LIMIT
        found = {("double", "tcp"): tcp, ("double", "unix"): unix}
        if not PROGRAM:
            yield found
            return
        with running_real_clamd(Path(name), StreamMaxLength="1M") as daemon:
            yield found | {("real", way): where for way, where in daemon.addresses.items()}


@pytest.mark.parametrize("way", ["tcp", "unix"])
@pytest.mark.parametrize("kind", ["double", *REAL])
@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"hello", ""),
        (EICAR, "infected"),
        (b"x" * 3000 + EICAR, "infected"),
        # Found although a piece ends in the middle of it.
        (b"x" * (64 * 1024 - 30) + EICAR + bytes(100_000), "infected"),
        (bytes(LIMIT), ""),
        (bytes(LIMIT + 1), "unscanned"),
        (bytes(50 * LIMIT), "unscanned"),
        (EICAR + bytes(2 * LIMIT), "unscanned"),
    ],
    ids=["clean", "bad", "bad-at-end", "across", "at-limit", "above", "far-above", "bad-above"],
)
def test_both_bring_about_the_same(served, use, kind, way, content, refusal):
    use(served[kind, way])
    if refusal:
        with pytest.raises(Refused, match=refusal):
            scanner.scan(io.BytesIO(content))
    else:
        scanner.scan(io.BytesIO(content))


@only_real
def test_one_that_takes_its_time_holds_nobody_for_ever_and_goes_on(folder, use, monkeypatch):
    with running_real_clamd(folder) as daemon:
        for address in daemon.addresses.values():
            use(address)
            monkeypatch.setattr(scanner, "SECONDS", 0.3)
            daemon.pause()
            with pytest.raises(ScannerAway, match="Timeout"):
                scanner.scan(io.BytesIO(bytes(5_000_000)))
            daemon.resume()
            monkeypatch.setattr(scanner, "SECONDS", 30)
            scanner.scan(io.BytesIO(bytes(5_000_000)))


class _Ends(io.BytesIO):
    """Content at whose second piece something happens."""

    def __init__(self, content: bytes, act) -> None:
        super().__init__(content)
        self._act = act

    def read(self, size=-1):
        if self.tell():
            self._act()
        return super().read(size)


@only_real
@pytest.mark.parametrize("way", ["tcp", "unix"])
def test_one_that_dies_amid_a_file_or_is_dead_lets_nothing_pass(folder, use, way):
    with running_real_clamd(folder) as daemon:
        use(daemon.addresses[way])
        with pytest.raises(ScannerAway):
            scanner.scan(_Ends(bytes(5_000_000), daemon.kill))
        with pytest.raises(ScannerAway):
            scanner.scan(io.BytesIO(b"x"))


@only_real
@pytest.mark.parametrize(("alert", "refusal"), [("yes", "unscanned"), ("no", "")])
def test_what_is_above_its_other_limits_passes_unless_it_is_told_to_say_so(
    folder, use, alert, refusal
):
    """What the operator's handbook warns of: OK is said of what was not read."""
    content = io.BytesIO(EICAR + os.urandom(2 * LIMIT))
    with running_real_clamd(folder, MaxFileSize="1M", AlertExceedsMax=alert) as daemon:
        use(daemon.addresses["tcp"])
        if refusal:
            with pytest.raises(Refused, match=refusal):
                scanner.scan(content)
        else:
            scanner.scan(content)
