"""Taking a message apart: sentences, and inside of them the parts that may be said to others."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from analytics.embedded.disguise import SPACED

# How strongly two neighbours are apart: by a word, within a sentence, by a sentence, by a line.
WORD, CLAUSE, SENTENCE, LINE = range(4)

# What is one piece, whatever stands in it.
_BLOCKS = (
    re.compile(r"```.*?(?:```|\Z)", re.DOTALL),
    re.compile(r'"""(?=\s).*?(?:"""|\Z)', re.DOTALL),
    re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL),
    re.compile(r"<(\w[\w-]*)[^<>]*>.*?</\1\s*>", re.DOTALL),
    re.compile(r"\[(\w+)\][^\[\]]*\[/\1\]"),
    re.compile(r"""[\[{]+\s*["'](?:[^{}\[\]]|\{[^{}]*\}|\[[^\[\]]*\])*[\]}]+"""),
    SPACED,
)
_QUOTED = re.compile(
    r"\"[^\"\n]{1,120}\"|“[^”\n]{1,120}”|(?<!\w)'[^'\n]{1,80}'(?!\w)|`[^`\n]{1,120}`"
)
_CAPITAL = r"(?=[A-ZÀ-Ú][a-zà-ú]+\s+[a-zà-ú])"
_DASH = "[-\u2013\u2014]"
_JOINTS = (
    (LINE, re.compile(r"\s*\n\s*")),
    (SENTENCE, re.compile(r"(?<![\s(][EeSDn][xrº])(?<!^[EeSDn][xrº])[.!?…]+[\"'”\u2019)\]]*\s+")),
    (SENTENCE, re.compile(r";\s+|\s+[|•]+\s+|[\u2600-\u27bf\U0001f300-\U0001faff]+\s+")),
    (SENTENCE, re.compile(rf"[,:]\s+{_CAPITAL}|\s+{_DASH}+\s+{_CAPITAL}")),
    (CLAUSE, re.compile(rf"[,:]\s+|\s+{_DASH}+\s+|[)\]}}>]\s*")),
    (CLAUSE, re.compile(r"\s*(?=[(\[{<])|\s+(?=[=-]>|→|#|\*)")),
    (WORD, re.compile(rf"(?<=[a-zà-ú0-9])\s+{_CAPITAL}")),
    (
        WORD,
        re.compile(
            r"\s+(?=(?:e|mas|porém|porem|então|entao|só que|so que|porque|pois|and|but|so|then"
            r"|because|y|pero|entonces)\s)",
            re.IGNORECASE,
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a text from `start` to `end`; `joint` says how far it is from what stands before."""

    start: int
    end: int
    joint: int


def sentences(text: str, cuts: Iterable[int] = ()) -> list[Piece]:
    """Return the text's sentences and lines, in order, without gaps; `cuts` part it too."""
    return _tiled(text, _joints(text, cuts), SENTENCE)


def clauses(text: str, cuts: Iterable[int] = ()) -> list[Piece]:
    """Return the parts of its sentences, in order, without gaps."""
    return _tiled(text, _joints(text, cuts), WORD)


def _joints(text: str, cuts: Iterable[int]) -> dict[int, int]:
    blocks = [match.span() for block in _BLOCKS for match in block.finditer(text)]
    whole = [*blocks, *(match.span() for match in _QUOTED.finditer(text))]
    found: dict[int, int] = {}
    for level, pattern in _JOINTS:
        for match in pattern.finditer(text):
            at = match.end()
            if not any(start < at < end for start, end in whole):
                found[at] = max(found.get(at, WORD), level)
    edges = {at for span in blocks for at in span if not any(a < at < b for a, b in blocks)}
    for at in (*edges, *cuts):
        found[at] = max(found.get(at, WORD), SENTENCE)
    return found


def _tiled(text: str, joints: dict[int, int], least: int) -> list[Piece]:
    """Return pieces cut at joints of at least that level; what says nothing ends the one before."""
    ends = sorted(at for at, level in joints.items() if level >= least and 0 < at < len(text))
    pieces: list[Piece] = []
    start, joint = 0, LINE
    for end in [*ends, len(text)]:
        if any(c.isalnum() for c in text[start:end]):
            pieces.append(Piece(start, end, joint))
        elif pieces:
            pieces[-1] = replace(pieces[-1], end=end)
        elif end < len(text):
            continue
        else:
            pieces.append(Piece(start, end, joint))
        start, joint = end, joints.get(end, WORD)
    return pieces
