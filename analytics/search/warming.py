"""Loads what a search by meaning needs, before somebody searches: 1.7 s of a person's time."""

import logging
import threading

from django.conf import settings

logger = logging.getLogger(__name__)


def begin() -> threading.Thread | None:
    """Load the embedded engine beside the start of a web process; None where that is switched off.

    Called by web processes alone, after they forked. A search that comes meanwhile waits for the
    same engine instead of loading a second one.
    """
    if not settings.WARM_SEARCH:
        return None
    thread = threading.Thread(target=_load, name="warm-search", daemon=True)
    thread.start()
    return thread


def _load() -> None:
    from analytics.embedded import engines  # noqa: PLC0415  (slow to import, as `search.engines`)

    try:
        engines.engine(engines.default_code())(["bom dia"])
    except Exception:
        # The first search tries again, and tells its reader what is wrong.
        logger.exception("the engine of searches could not be loaded at the start")
