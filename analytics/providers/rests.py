"""A rest for one company and model at a provider of the house; the others go on asking.

Shared by all processes in Redis. While Redis is away nobody rests this way: the server's own
refusals bound what it costs.
"""

import redis

from evosense.core.streams import redis_client


def begin(key: str, seconds: float) -> None:
    """Begin a rest under Redis's own `key`; one that is under way is not made longer."""
    try:
        redis_client().set(key, 1, px=int(seconds * 1000), nx=True)
    except redis.RedisError:
        return


def left(key: str) -> float:
    """Return the seconds until the rest ends; 0 when there is none."""
    try:
        found = int(redis_client().pttl(key))
    except redis.RedisError:
        return 0.0
    return max(0, found) / 1000
