"""How long the sender waits for what. In seconds; a process may be given others.

`EVOSENSE_SENDER_PERIODS="lease=2,absence_gap=1"` is for tests, which cannot wait for hours.
"""

import os
from dataclasses import dataclass, replace
from functools import lru_cache

VARIABLE = "EVOSENSE_SENDER_PERIODS"


@dataclass(frozen=True, slots=True)
class Periods:
    # A dead process's lanes are taken over after the first, a living one says so after the second.
    lease: float = 15.0
    beat: float = 4.0
    poll: float = 0.5
    # From the committed intent to the first byte: reading and wrapping a large file, and reaching
    # the server. Well below the lease: later, and another worker may have taken over.
    write_within: float = 8.0
    turn: float = 5.0
    turn_messages: int = 20
    # A number or a company that is away is looked at again after this.
    held: float = 15.0
    # How long the later messages of a conversation wait for one whose outcome is unknown: until
    # the second check, and a minute after it, could prove that it never left.
    hold: float = 120.0
    # After the intent; the last one repeats until `give_up`.
    first_check: float = 5.0
    second_check: float = 30.0
    third_check: float = 120.0
    fourth_check: float = 600.0
    later_check: float = 3600.0
    # Between two absences that together prove one.
    absence_gap: float = 60.0
    give_up: float = 24 * 3600.0
    # How much an answer may be late after the server's own time of the message.
    window: float = 180.0
    first_retry: float = 2.0
    longest_retry: float = 300.0

    @property
    def checks(self) -> tuple[float, ...]:
        return (
            self.first_check,
            self.second_check,
            self.third_check,
            self.fourth_check,
            self.later_check,
        )


@lru_cache(maxsize=1)
def periods() -> Periods:
    """Return the periods of this process."""
    given = os.environ.get(VARIABLE, "")
    chosen = dict(part.split("=", 1) for part in given.split(",") if "=" in part)
    default = Periods()
    typed = {
        name.strip(): type(getattr(default, name.strip()))(float(value))
        for name, value in chosen.items()
    }
    return replace(default, **typed)


def retry_after(attempts: int) -> float:
    """Return the pause after that many attempts that certainly sent nothing."""
    now = periods()
    return float(min(now.longest_retry, now.first_retry * 3 ** max(0, attempts - 1)))


def check_after(age: float) -> float:
    """Return how long after the intent an outcome unknown for `age` seconds is looked for next."""
    steps = periods().checks
    return next((step for step in steps if step > age), age + steps[-1])
