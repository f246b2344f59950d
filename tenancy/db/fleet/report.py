"""What a run and a check have to say."""

from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID


@dataclass
class RunReport:
    """One run over the fleet, as commands print it."""

    run: UUID | None = None
    tenants: int = 0
    migrated: int = 0
    left: int = 0
    stopped: bool = False
    failed: dict[str, str] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    differs: dict[str, list[str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def is_fine(self) -> bool:
        return not (self.stopped or self.failed or self.broken or self.differs)

    def as_dict(self) -> dict[str, Any]:
        return {"ok": self.is_fine, **asdict(self)}


@dataclass
class CheckReport:
    """What keeps the fleet from being one."""

    tenants: int = 0
    # Each with the migrations that are lacking and the companies that lack them.
    pending: list[dict[str, Any]] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    differs: dict[str, list[str]] = field(default_factory=dict)
    # Applied migrations that are not on disk, and how many companies have them.
    unknown: dict[str, int] = field(default_factory=dict)
    # Schemas of no company.
    strays: list[str] = field(default_factory=list)

    @property
    def is_fine(self) -> bool:
        return not (self.pending or self.broken or self.differs or self.strays)

    def as_dict(self) -> dict[str, Any]:
        return {"ok": self.is_fine, **asdict(self)}
