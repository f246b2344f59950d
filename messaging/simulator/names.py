"""Common Brazilian first names and surnames; every combination is invented."""

from __future__ import annotations

import tomllib
from pathlib import Path

_NAMES = tomllib.loads((Path(__file__).parent / "phrases/names.toml").read_text(encoding="utf-8"))
FIRST_NAMES: tuple[str, ...] = tuple(_NAMES["first"].split())
SURNAMES: tuple[str, ...] = tuple(_NAMES["last"].split())
NICKNAMES: tuple[str, ...] = tuple(_NAMES["nicknames"])
AGENTS: tuple[str, ...] = tuple(_NAMES["agents"])
