"""Why a file is not kept."""

from typing import Literal

# `unscanned` is more than the virus scanner reads: it waits for the operator, not for the scanner.
Code = Literal["empty", "too_large", "wrong_type", "damaged", "infected", "unscanned"]


class Refused(Exception):  # noqa: N818  (read as a sentence where raised)
    """The bytes themselves are the reason; trying again changes nothing."""

    def __init__(self, code: Code) -> None:
        super().__init__(code)
        self.code = code


class ScannerAway(Exception):  # noqa: N818
    """The virus scanner is set and does not answer: the file waits, nobody gets it meanwhile."""
