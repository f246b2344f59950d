"""What an operator can set about the receiver, read from the environment alone.

The receiver runs as its own process without Django's settings, so the names and defaults here
repeat those of `evosense.settings.base`.
"""

from dataclasses import dataclass
from pathlib import Path

from evosense.env import Environment

KIB = 1024
MIB = 1024 * KIB
PROJECT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class ReceiverConfig:
    database_url: str
    redis_url: str = ""
    # None switches the spool off: without a lasting volume a 503 is more honest than a 200.
    spool_dir: Path | None = None
    spool_limit: int = 1024 * MIB
    spool_roll: int = 4 * MIB
    # The token table for a start without a database; None keeps it in memory only.
    state_dir: Path | None = None
    max_body: int = 64 * MIB
    max_blob: int = 48 * MIB
    max_inflight: int = 256 * MIB
    body_timeout: float = 60.0
    deadline: float = 1.0
    breaker: float = 2.0
    refresh: float = 30.0
    drain_interval: float = 1.0
    metrics_port: int = 0
    # Requests a minute with an unknown token that one address may make.
    strangers: int = 600
    trusted_proxies: int = 0
    https_only: bool = False

    @classmethod
    def from_environment(cls) -> "ReceiverConfig":
        """Read everything, raising once with all missing or malformed names."""
        env = Environment()
        spool = env.text("RECEIVER_SPOOL_DIR", str(PROJECT / "var" / "spool"))
        config = cls(
            database_url=env.text("DATABASE_URL", hint="postgres://user:password@host:5432/name"),
            redis_url=env.text("REDIS_URL", ""),
            spool_dir=None if spool == "off" else Path(spool),
            spool_limit=env.integer("RECEIVER_SPOOL_LIMIT", 1024 * MIB),
            state_dir=Path(env.text("RECEIVER_STATE_DIR", str(PROJECT / "var" / "receiver"))),
            max_body=env.integer("RECEIVER_MAX_BODY", 64 * MIB),
            max_inflight=env.integer("RECEIVER_MAX_INFLIGHT", 256 * MIB),
            metrics_port=env.integer("RECEIVER_METRICS_PORT", 0),
            strangers=env.integer("RECEIVER_STRANGERS", 600),
            trusted_proxies=env.integer(
                "TRUSTED_PROXIES", int(env.flag("BEHIND_PROXY", default=True))
            ),
            https_only=env.flag("SECURE_SSL_REDIRECT", default=True),
        )
        env.require_complete()
        return config
