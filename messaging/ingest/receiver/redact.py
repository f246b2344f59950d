"""What may be stored of a body: secrets replaced, media cut out, everything else byte for byte.

Most bodies only need the value of `destination` replaced, which is done in the original bytes, so
that numbers, escapes and key order stay as sent. Bodies with media, QR codes or secrets in unusual
places are rewritten with the standard library's parser, which keeps large integers and surrogates.
"""

import base64
import binascii
import hashlib
import json
import re
import zlib
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from evosense.core.ids import uuid7
from messaging.ingest.envelope.scalars import norm_event
from messaging.ingest.receiver.records import Blob

REDACTED: dict[str, object] = {"$redacted": True}
_REDACTED_BYTES = b'{"$redacted":true}'
_TOP_SECRETS = ("apikey", "api_key", "destination")
_ANYWHERE_SECRETS = frozenset(
    {"apikey", "api_key", "authorization", "proxy-authorization", "jwt_key"}
)
_HEADER_SECRET = re.compile(r"auth|token|key|secret|cookie", re.IGNORECASE)
_QR_SECRETS = frozenset({"code", "base64", "pairingCode"})
# One pass finds every name that matters. An unescaped quote cannot stand inside a JSON string, so a
# quoted name with a colon behind it is a member.
_NAMES = re.compile(
    rb'"(apikey|api_key|destination'
    rb"|base64|qrcode|pairingCode|headers|[aA]uthorization|jwt_key"
    # Spellings of forks; they have no place in the bytes that could be relied on.
    rb'|[aA][pP][iI]_?[kK][eE][yY]|A[uU][tT][hH][oO][rR][iI][zZ][aA][tT][iI][oO][nN])"'
)
_IN_PLACE = frozenset(name.encode() for name in _TOP_SECRETS)
# Possessive blanks: giving one back would let a null behind it pass the look-ahead.
_MEMBER = re.compile(rb'\s*+:\s*+(?!null\b|"")("(?:[^"\\]|\\.)*"|.)', re.DOTALL)
_BROKEN_SECRET = re.compile(
    rb'("(?:apikey|api_key|destination|authorization|jwt_key)"\s*:\s*)"(?:[^"\\]|\\.)*"?',
    re.IGNORECASE | re.DOTALL,
)


class Shaped(NamedTuple):
    """A body as it will be stored, and what was found in it."""

    body: bytes
    # None when the body is not a JSON object.
    document: dict[str, Any] | None
    blobs: tuple[Blob, ...] = ()
    qr: dict[str, str] | None = None


@dataclass(slots=True)
class _Findings:
    blobs: list[Blob] = field(default_factory=list)
    qr: dict[str, str] = field(default_factory=dict)


def shape(raw: bytes, *, max_blob: int) -> Shaped:
    """Return the storable form of `raw`. Never raises, whatever the bytes are."""
    try:
        return _in_place(raw) or _rewritten(raw, max_blob)
    except (ValueError, RecursionError):
        return Shaped(_BROKEN_SECRET.sub(rb"\1" + _REDACTED_BYTES, raw), None)


def dump(value: object) -> bytes:
    """Serialise parsed JSON, including what orjson refuses (surrogate halves, huge integers)."""
    try:
        return orjson.dumps(value)
    except (orjson.JSONEncodeError, RecursionError):
        return json.dumps(value, separators=(",", ":")).encode()


def inflate(data: bytes, *, limit: int) -> bytes | None:
    """Undo a gzip content encoding; data that is not gzip stays, None when it exceeds the limit."""
    stream = zlib.decompressobj(wbits=47)
    try:
        plain = stream.decompress(data, limit + 1)
    except zlib.error:
        return data
    return None if len(plain) > limit else plain


def _in_place(raw: bytes) -> Shaped | None:
    """Replace the top-level secrets in the bytes; None when that is not safely possible."""
    found = _secret_values(raw)
    if found is None:
        return None
    try:
        document = orjson.loads(raw)
    except ValueError:
        return None
    if not isinstance(document, dict) or _is_qr(document):
        return None
    names = [name for name, _ in found]
    for name in _TOP_SECRETS:
        value = document.get(name)
        spans = names.count(name)
        # More values than the top level has: a nested or repeated member, or a spelling of its own.
        if spans != int(value not in (None, "")) or (spans and not isinstance(value, str)):
            return None
        if spans:
            document[name] = REDACTED
    return Shaped(_replace(raw, [span for _, span in found]), document)


def _secret_values(raw: bytes) -> list[tuple[str, tuple[int, int]]] | None:
    """Find the values of secrets that are not null or empty; None if more must be rewritten."""
    found = []
    for match in _NAMES.finditer(raw):
        name = match[1]
        if name not in _IN_PLACE:
            return None
        member = _MEMBER.match(raw, match.end())
        if member:
            found.append((name.decode(), member.span(1)))
    return found


def _replace(raw: bytes, spans: list[tuple[int, int]]) -> bytes:
    parts, last = [], 0
    for start, end in sorted(spans):
        parts += [raw[last:start], _REDACTED_BYTES]
        last = end
    return b"".join((*parts, raw[last:])) if parts else raw


def _rewritten(raw: bytes, max_blob: int) -> Shaped:
    document = json.loads(raw)
    if not isinstance(document, dict):
        return Shaped(_BROKEN_SECRET.sub(rb"\1" + _REDACTED_BYTES, raw), None)
    findings = _Findings()
    changed = _hide(document, ("destination",))
    changed |= _walk(document, findings, max_blob, is_qr=_is_qr(document))
    body = _serialise(document) if changed else raw
    return Shaped(body, document, tuple(findings.blobs), findings.qr or None)


def _serialise(document: dict[str, Any]) -> bytes:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(document, separators=(",", ":")).encode()


def _is_qr(document: dict[str, Any]) -> bool:
    return norm_event(document.get("event")) == "qrcode.updated"


def _walk(document: dict[str, Any], findings: _Findings, max_blob: int, *, is_qr: bool) -> bool:
    """Clean every object of the tree; without recursion, because senders choose the depth."""
    changed = False
    pending: list[Any] = [document]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending += node
        elif isinstance(node, dict):
            # Versions nest the code differently, but the event says that there is one.
            changed |= is_qr and _take_qr(node, findings)
            changed |= _clean(node, findings, max_blob)
            pending += node.values()
    return changed


def _clean(node: dict[str, Any], findings: _Findings, max_blob: int) -> bool:
    changed = _hide(node, [name for name in node if name.lower() in _ANYWHERE_SECRETS])
    headers = node.get("headers")
    if isinstance(headers, dict):
        changed |= _hide(headers, [name for name in headers if _HEADER_SECRET.search(name)])
    if isinstance(node.get("qrcode"), dict):
        changed |= _take_qr(node["qrcode"], findings)
    if "pairingCode" in node:
        changed |= _take_qr(node, findings)
    if isinstance(node.get("base64"), str) and node["base64"]:
        node["base64"] = _cut(node, findings, max_blob)
        changed = True
    return changed


def _hide(node: dict[str, Any], names: Any) -> bool:
    changed = False
    for name in names:
        if node.get(name) not in (None, "", REDACTED):
            node[name] = REDACTED
            changed = True
    return changed


def _take_qr(node: dict[str, Any], findings: _Findings) -> bool:
    """Move a QR code out: it opens the phone's account and is worthless a minute later."""
    secrets = [name for name in node if name in _QR_SECRETS]
    findings.qr |= {name: node[name] for name in secrets if isinstance(node[name], str)}
    return _hide(node, secrets)


def _cut(node: dict[str, Any], findings: _Findings, max_blob: int) -> dict[str, object]:
    """Move the media beside the body, or leave a marker when it is no valid base64."""
    text: str = node["base64"]
    declared = ""
    if text.startswith("data:"):
        head, _, text = text.partition(",")
        declared = head[5:].partition(";")[0]
    if len(text) > max_blob * 4 // 3 + 4:
        return {"$blob": None, "size": len(text), "error": "too_large"}
    try:
        content = base64.b64decode("".join(text.split()).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return {"$blob": None, "size": len(text), "error": "invalid"}
    digest = hashlib.sha256(content)
    blob = Blob(uuid7(), digest.digest(), clean(_mime(node) or declared, 100), content)
    findings.blobs.append(blob)
    return {"$blob": str(blob.id), "size": len(content), "sha256": digest.hexdigest()}


def _mime(node: dict[str, Any]) -> str:
    """Return the type the message declares beside its media; '' when it does not."""
    for part in (node, *node.values()):
        if isinstance(part, dict):
            declared = part.get("mimetype") or part.get("mime_type")
            if isinstance(declared, str):
                return declared
    return ""


def clean(text: str, limit: int) -> str:
    """Make sender's text fit for a text column: no NUL, no surrogate halves, bounded."""
    return text[:limit].replace("\0", "").encode("utf-8", "replace").decode()
