"""Words that praise or blame by themselves, in Portuguese, Spanish and English."""

from functools import lru_cache
from importlib.resources import files

from analytics.embedded.emoji import EMOJI

_MARKS = {f"<e_{emoji.word}>": emoji.weight for emoji in EMOJI.values()}


def weight_of(token: str) -> float:
    """Return how good (up to 3) or bad (down to -3) a token is; 0 when it says nothing."""
    if token in _MARKS:
        return _MARKS[token]
    exact, beginnings = _table()
    if token in exact:
        return exact[token]
    for length in range(len(token), 3, -1):
        if token[:length] in beginnings:
            return beginnings[token[:length]]
    return 0.0


@lru_cache(maxsize=1)
def _table() -> tuple[dict[str, float], dict[str, float]]:
    exact: dict[str, float] = {}
    beginnings: dict[str, float] = {}
    source = files("analytics.embedded") / "data" / "words.txt"
    for line in source.read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        weight, words = line.split(":", 1)
        for word in words.split():
            if word.endswith("*"):
                beginnings[word[:-1]] = float(weight)
            else:
                exact[word] = float(weight)
    return exact, beginnings
