"""Named places at which a test lets the process die, as a power cut would.

That nothing is sent twice or lost between any two steps is only shown by dying between them, and
outside nobody can aim a signal at one statement. Without the variable this does nothing.
"""

import os
import signal
from itertools import count

VARIABLE = "EVOSENSE_SENDER_DIES_AT"

# In the order of a message's way.
BEFORE_INTENT = "before_intent"
AFTER_INTENT = "after_intent"
BEFORE_WRITE = "before_write"
AFTER_ANSWER = "after_answer"
AFTER_SETTLE = "after_settle"
BEFORE_CHECK = "before_check"
AFTER_CHECK = "after_check"
ALL = (
    BEFORE_INTENT,
    AFTER_INTENT,
    BEFORE_WRITE,
    AFTER_ANSWER,
    AFTER_SETTLE,
    BEFORE_CHECK,
    AFTER_CHECK,
)

_passed = count(1)


def reach(point: str) -> None:
    """End the process without a word if it was told to die here.

    Told by a name, or by `name:3` for the third time.
    """
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    name, _, number = wanted.partition(":")
    if name == point and next(_passed) >= int(number or 1):
        os.kill(os.getpid(), signal.SIGKILL)
