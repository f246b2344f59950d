"""How a provider is asked for JSON: down when it does not obey, up again by the daily test.

What a company finds out about a provider of the house stays that company's and its model's, for a
day: its own schemas and models may be what the server did not obey.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
import redis

from analytics.providers import windows
from analytics.providers.capabilities import LADDER, Capabilities, read_capabilities
from analytics.providers.refs import ProviderRef
from evosense.core.schema import database_cursor, public_scope
from evosense.core.streams import redis_client

# Of the last 20 answers at a level (ai.md §1.2).
MOST_INVALID = 3
_WINDOW_SECONDS = 24 * 3_600
# Only where the server and its level are still those that the discovery is about.
_MERGE = """
UPDATE public.providers_provider SET capabilities = capabilities || %s::jsonb
WHERE id = %s AND rtrim(base_url, '/') = %s
    AND coalesce(capabilities ->> 'structured', %s) = %s
"""


def repaired(capabilities: Capabilities, fault: str) -> Capabilities | None:
    """Return what to try after a server named a parameter; None when nothing is left to try."""
    if fault == "structured":
        return capabilities.lower()
    if fault == "max_tokens":
        return capabilities.renamed_limit()
    if fault == "temperature" and capabilities.temperature:
        return replace(capabilities, temperature=False)
    if fault == "seed" and capabilities.seed:
        return replace(capabilities, seed=False)
    if fault == "dimensions" and capabilities.embed_dimensions_param:
        return replace(capabilities, embed_dimensions_param=False)
    return None


def known(ref: ProviderRef, model: str) -> ProviderRef:
    """Return the reference with what its asker found out about this model lately."""
    if ref.asker_id is None:
        return ref
    try:
        found = redis_client().hgetall(_found_key(ref, model))
    except redis.RedisError:
        return ref
    more = {name.decode(): orjson.loads(value) for name, value in found.items()}
    capabilities = read_capabilities({**ref.capabilities.stored(), **more})
    return replace(ref, capabilities=capabilities)


def keep(ref: ProviderRef, found: Capabilities, model: str = "") -> None:
    """Store what a successful answer proved about the server, where it differs.

    When another process was quicker, its discovery stays and this one is made again.
    """
    before = ref.capabilities
    stored = found.stored()
    changed = {name: one for name, one in stored.items() if one != getattr(before, name)}
    if not changed:
        return
    if ref.asker_id is not None:
        _keep_own(_found_key(ref, model), changed)
        return
    values = [orjson.dumps(changed).decode(), ref.id, ref.base_url, LADDER[0], before.structured]
    with public_scope(), database_cursor() as cursor:
        cursor.execute(_MERGE, values)


def note_answer(
    ref: ProviderRef, capabilities: Capabilities, *, is_exact: bool, model: str = ""
) -> None:
    """Count an answer at a level; too many that do not obey it mean the next weaker level."""
    key = f"{ref.memory_of(model)}:level:{capabilities.structured}"
    counted = windows.note(key, is_good=is_exact, seconds=_WINDOW_SECONDS)
    below = capabilities.lower()
    if counted.bad >= MOST_INVALID and below is not None:
        windows.forget(key)
        keep(ref, replace(ref.capabilities, structured=below.structured), model)


def forget_answers(ref: ProviderRef, level: str) -> None:
    """Begin to count anew, as after a test that found the level good."""
    windows.forget(f"{ref.memory}:level:{level}")


def _keep_own(key: str, changed: Mapping[str, Any]) -> None:
    stored: dict[str | bytes, bytes | float | int | str] = {
        name: orjson.dumps(value) for name, value in changed.items()
    }
    try:
        pipe = redis_client().pipeline()
        pipe.hset(key, mapping=stored)
        pipe.expire(key, _WINDOW_SECONDS)
        pipe.execute()
    except redis.RedisError:
        # It is found out again.
        return


def _found_key(ref: ProviderRef, model: str) -> str:
    return f"{ref.memory_of(model)}:found"
