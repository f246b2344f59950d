"""What a provider's server was found to understand; kept as JSON on its row."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

# From the strictest way of asking for JSON to the weakest; servers know at least the last.
LADDER = ("json_schema", "tools", "json_object", "plain")
NEW_NAME, OLD_NAME = "max_completion_tokens", "max_tokens"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Defaults are what most servers understand; "test connection" and answers correct them."""

    structured: str = LADDER[0]
    max_tokens_param: str = OLD_NAME
    temperature: bool = True
    seed: bool = True
    embeddings: bool = False
    embed_dimensions_param: bool = True
    # 0: not known yet.
    embed_native_dim: int = 0
    # Said by a person: a vector of this model may be cut short.
    is_matryoshka: bool = False
    usage_in_response: bool = True

    def lower(self) -> "Capabilities | None":
        """Return these with the next weaker way of asking for JSON; None below the last."""
        place = LADDER.index(self.structured) + 1
        return replace(self, structured=LADDER[place]) if place < len(LADDER) else None

    def renamed_limit(self) -> "Capabilities":
        """Return these with the other name of the limit of an answer's length."""
        other = OLD_NAME if self.max_tokens_param == NEW_NAME else NEW_NAME
        return replace(self, max_tokens_param=other)

    def stored(self) -> dict[str, Any]:
        return asdict(self)


def read_capabilities(stored: Mapping[str, Any]) -> Capabilities:
    """Read a row's JSON; what is missing or of another kind keeps its default."""
    default = Capabilities()
    known = {
        one.name: stored[one.name]
        for one in fields(Capabilities)
        if type(stored.get(one.name)) is type(getattr(default, one.name))
    }
    if known.get("structured") not in LADDER:
        known.pop("structured", None)
    if known.get("max_tokens_param") not in {NEW_NAME, OLD_NAME}:
        known.pop("max_tokens_param", None)
    return replace(default, **known)
