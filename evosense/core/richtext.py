"""Texts that strangers wrote, as safe HTML: everything is escaped before anything is marked up."""

import json
import re
from typing import Any
from unicodedata import combining, normalize

from django.utils.html import escape

_LINK = re.compile(r"\bhttps?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]}*_~]", re.IGNORECASE)
_CODE = re.compile(r"```(.+?)```|`([^`\n]+)`", re.DOTALL)
# A mark counts only at the edge of a word, as in WhatsApp: 2*3*4 and snake_case_names stay plain.
# Between two marks there is no third: it keeps the search linear, and strangers write these texts.
_MARKS = [
    (re.compile(rf"(?<![\w{m}]){m}(?=\S)([^\n{m}]+)(?<=\S){m}(?![\w{m}])"), tag)
    for m, tag in ((r"\*", "b"), ("_", "em"), ("~", "del"))
]
_BULLET = re.compile(r"^(?:[-*]|\d{1,3}\.) +(.+)$")
_HOLD = re.compile("\x00(\\d+)\x00")
# Latin only: elsewhere a cut could fall inside an emoji or between joined letters.
_ENDLESS = re.compile("[!-\u02ff]{160,}")
_PIECE = re.compile("[!-\u02ff]{1,80}")
_CUT = "\x01"
LINE_LENGTH = 200


def to_html(text: str) -> str:
    """Return `text` with WhatsApp's formatting as HTML."""
    held: list[str] = []

    def hold(html: str) -> str:
        held.append(html)
        return f"\x00{len(held) - 1}\x00"

    text = text.replace("\x00", "").replace(_CUT, "")
    text = _CODE.sub(lambda found: hold(_code(found)), text)
    text = _LINK.sub(lambda found: hold(_link(found[0])), text)
    body = _lines(str(escape(_cut(text))))
    return _HOLD.sub(lambda found: held[int(found[1])], body).replace(_CUT, "<wbr>")


def to_line(text: str) -> str:
    """Return `text` on one line without marks, cut to what a list can show."""
    text = _CODE.sub(lambda found: found[1] or found[2], text)
    for pattern, _tag in _MARKS:
        text = pattern.sub(r"\1", text)
    return " ".join(text.split())[:LINE_LENGTH]


def mark(text: str, query: str) -> str:
    """Return escaped `text` with every word of `query` marked, whatever its case or accents."""
    wanted = [folded for folded in map(_fold, query.split()) if folded]
    if not wanted:
        return str(escape(text))
    plain = _fold(text)
    if len(plain) != len(text):
        # Some letter folds into several: positions no longer match, so nothing is marked.
        return str(escape(text))
    pattern = re.compile(
        "|".join(re.escape(word) for word in sorted(wanted, key=len, reverse=True))
    )
    parts, end = [], 0
    for found in pattern.finditer(plain):
        parts.append(str(escape(text[end : found.start()])))
        parts.append(f"<mark>{escape(text[found.start() : found.end()])}</mark>")
        end = found.end()
    return "".join(parts) + str(escape(text[end:]))


def json_to_html(value: Any) -> str:
    """Return `value` as indented JSON with keys in <b> and texts in <i>."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    out = []
    for line in text.split("\n"):
        found = re.match(r'^(\s*)("(?:[^"\\]|\\.)*")(: )(.*)$', line)
        if found:
            out.append(f"{found[1]}<b>{escape(found[2])}</b>: {_json_value(found[4])}")
        else:
            indent = len(line) - len(line.lstrip())
            out.append(line[:indent] + _json_value(line[indent:]))
    return "\n".join(out)


def _json_value(text: str) -> str:
    if not text.startswith('"'):
        return str(escape(text))
    comma = "," if text.endswith(",") else ""
    return f"<i>{escape(text.removesuffix(','))}</i>{comma}"


def _cut(text: str) -> str:
    """Mark where endless words may break: 65 000 letters in one freeze a browser for seconds."""
    return _ENDLESS.sub(lambda found: _CUT.join(_PIECE.findall(found[0])), text)


def _code(found: re.Match[str]) -> str:
    if found[1] is not None:
        return f"<pre>{escape(_cut(found[1].strip(chr(10))))}</pre>"
    return f"<code>{escape(_cut(found[2]))}</code>"


def _link(url: str) -> str:
    said = escape(_cut(url))
    return f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer nofollow">{said}</a>'


def _lines(escaped: str) -> str:
    """Join lines with breaks; a mark never reaches over a line's end, as in WhatsApp."""
    out: list[str] = []
    for plain in escaped.split("\n"):
        line = _marked(plain)
        bullet = _BULLET.match(line)
        if line.startswith("&gt; "):
            out.append(f"<blockquote>{line[5:]}</blockquote>")
        elif bullet and not line[0].isdigit():
            out.append(f"<span>• {bullet[1]}</span>\n")
        else:
            out.append(line + "\n")
    return "".join(out).rstrip("\n").replace("\n", "<br>")


def _marked(line: str) -> str:
    for pattern, tag in _MARKS:
        line = pattern.sub(rf"<{tag}>\1</{tag}>", line)
    return line


def _fold(text: str) -> str:
    return "".join(c for c in normalize("NFD", text) if not combining(c)).lower()
