"""The shelf for pairing codes: the newest one only, in Redis, for a minute.

Whoever reads a code in time owns the account, so it is stored and logged nowhere else. Receivers,
the apply step and the answer to "connect" all bring codes; one script in Redis keeps the newest,
numbers it and tells open pages. No Django here: receivers use it too.
"""

import hashlib
import re
from typing import Any
from uuid import UUID

import orjson

LIFETIME = 60
# How long what is known about a pairing (numbers and times, no code) outlives its last code.
REMEMBERED = 3600
_HINTS_KEPT = 2_000
_LONGEST_IMAGE = 200_000
_IMAGE = re.compile(r"data:image/(?:png|jpeg|webp);base64,[A-Za-z0-9+/=]+")
_TYPED = re.compile(r"[A-Za-z0-9-]{6,16}")

# KEYS: code, pairing, hints. ARGV: image, typed, fingerprint, sent, count, ids, our three limits.
# `sent` is the server's own writing of the time, which sorts; "" for an answer to our request.
PUT = """
local known = redis.call('HMGET', KEYS[2], 'print', 'sent')
if ARGV[4] ~= '' and known[2] and ARGV[4] < known[2] then return 0 end
if known[1] == ARGV[3] then
  local typed = redis.call('HGET', KEYS[1], 'typed')
  if not typed or ARGV[2] == '' or typed == ARGV[2] then return 0 end
  redis.call('HSET', KEYS[1], 'typed', ARGV[2])
else
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'image', ARGV[1], 'typed', ARGV[2])
  redis.call('EXPIRE', KEYS[1], ARGV[7])
  if ARGV[5] ~= '' then redis.call('HSET', KEYS[2], 'count', ARGV[5])
  else redis.call('HINCRBY', KEYS[2], 'count', 1) end
  redis.call('HSET', KEYS[2], 'print', ARGV[3], 'shown_at', redis.call('TIME')[1])
end
if ARGV[4] ~= '' then redis.call('HSET', KEYS[2], 'sent', ARGV[4]) end
redis.call('HINCRBY', KEYS[2], 'sequence', 1)
redis.call('EXPIRE', KEYS[2], ARGV[8])
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[9], '*', 'kind', 'pairing', 'ids', ARGV[6])
return 1
"""


def code_key(tenant_id: UUID, connection_id: UUID) -> str:
    return f"t:{tenant_id}:qr:{connection_id}"


def pairing_key(tenant_id: UUID, connection_id: UUID) -> str:
    return f"t:{tenant_id}:pairing:{connection_id}"


def call(
    tenant_id: UUID, connection_id: UUID, code: dict[str, Any], *, sent: str = "", count: str = ""
) -> list[Any] | None:
    """Return the arguments of EVAL that put `code` on the shelf; None when it holds no code.

    `code` has the fields of Evolution: `code`, `base64` (a data URI) and `pairingCode`.
    """
    image, typed = _image(code.get("base64")), _typed(code.get("pairingCode"))
    if not (image or typed):
        return None
    fingerprint = hashlib.sha256(str(code.get("code") or image).encode()).hexdigest()
    ids = orjson.dumps({"connection_id": str(connection_id)})
    keys = [code_key(tenant_id, connection_id), pairing_key(tenant_id, connection_id)]
    keys.append(f"t:{tenant_id}:hints")
    limits = (LIFETIME, REMEMBERED, _HINTS_KEPT)
    return [PUT, 3, *keys, image, typed, fingerprint, sent[:40], count, ids, *limits]


def _image(value: Any) -> str:
    """Return the picture, or "" for anything that a page should not put into its `src`."""
    is_fit = isinstance(value, str) and len(value) <= _LONGEST_IMAGE and _IMAGE.fullmatch(value)
    return str(value) if is_fit else ""


def _typed(value: Any) -> str:
    return value if isinstance(value, str) and _TYPED.fullmatch(value) else ""
