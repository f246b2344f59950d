"""The analyser and the vector space that need nobody else: no network, no Django."""

from functools import lru_cache

from analytics.embedded.analyser import EmbeddedAnalyser


@lru_cache(maxsize=1)
def analyser() -> EmbeddedAnalyser:
    """Return the process's analyser; its weights are read with the first judgement."""
    return EmbeddedAnalyser()
