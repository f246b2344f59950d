"""How a provider is asked for JSON: down when it does not obey, up again by the daily test."""

from dataclasses import replace

import orjson

from analytics.providers import windows
from analytics.providers.capabilities import LADDER, Capabilities
from analytics.providers.refs import ProviderRef
from evosense.core.schema import database_cursor, public_scope

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


def keep(ref: ProviderRef, found: Capabilities) -> None:
    """Store what a successful answer proved about the server, where it differs.

    When another process was quicker, its discovery stays and this one is made again.
    """
    before = ref.capabilities
    stored = found.stored()
    changed = {name: one for name, one in stored.items() if one != getattr(before, name)}
    if not changed:
        return
    values = [orjson.dumps(changed).decode(), ref.id, ref.base_url, LADDER[0], before.structured]
    with public_scope(), database_cursor() as cursor:
        cursor.execute(_MERGE, values)


def note_answer(ref: ProviderRef, capabilities: Capabilities, *, is_exact: bool) -> None:
    """Count an answer at a level; too many that do not obey it mean the next weaker level."""
    key = f"{ref.memory}:level:{capabilities.structured}"
    counted = windows.note(key, is_good=is_exact, seconds=_WINDOW_SECONDS)
    below = capabilities.lower()
    if counted.bad >= MOST_INVALID and below is not None:
        windows.forget(key)
        keep(ref, replace(ref.capabilities, structured=below.structured))


def forget_answers(ref: ProviderRef, level: str) -> None:
    """Begin to count anew, as after a test that found the level good."""
    windows.forget(f"{ref.memory}:level:{level}")
