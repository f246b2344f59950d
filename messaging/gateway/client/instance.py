"""Where a request goes, and as whom."""

from dataclasses import dataclass, field
from uuid import UUID

from messaging.gateway.capabilities import Capabilities


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance of one server; with an empty name the server itself."""

    server_id: UUID
    url: str
    # Never in a log, an error or a test's output.
    key: str = field(repr=False)
    name: str
    capabilities: Capabilities
