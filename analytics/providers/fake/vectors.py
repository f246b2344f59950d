"""Embeddings of the fake model: words hashed into places, so that like texts are near."""

import math
import re
import zlib
from collections.abc import Mapping
from typing import Any

NATIVE = 768


def vector_of(text: str, width: int) -> list[float]:
    """Return `width` numbers of length one; the same for the same text."""
    values = [0.0] * width
    for word in re.findall(r"\w+", text.casefold()) or ["∅"]:
        code = zlib.crc32(word.encode(errors="replace"))
        values[code % width] += 1.0 if code & 1 << 31 else -1.0
        values[(code >> 7) % width] += 0.5
    length = math.sqrt(sum(value * value for value in values)) or 1.0
    return [round(value / length, 6) for value in values]


def embedded(
    body: Mapping[str, Any], *, width: int = NATIVE, obeys: bool = True, spoil: str = ""
) -> dict[str, Any]:
    """Return the answer of /embeddings; `spoil` is "nan" or "few"."""
    texts = body.get("input", [])
    texts = [texts] if isinstance(texts, str) else list(texts)
    if obeys and isinstance(body.get("dimensions"), int):
        width = body["dimensions"]
    rows: list[dict[str, Any]] = [
        {"object": "embedding", "index": place, "embedding": vector_of(str(text), width)}
        for place, text in enumerate(texts)
    ]
    if spoil == "nan" and rows:
        # What JSON can say of it: a word, where a number belongs.
        rows[0]["embedding"][0] = "NaN"
    if spoil == "few":
        rows = rows[1:]
    tokens = sum(len(str(text)) for text in texts) * 10 // 36 + 1
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": rows, "model": body.get("model", "fake"), "usage": usage}
