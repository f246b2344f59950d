"""`reencrypt`: bring every encrypted value to the first key of EVOSENSE_DATA_KEYS."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from tenancy.management.output import JsonCommand
from tenancy.services import reencrypt
from tenancy.services.reencrypt import Outcome


class Command(JsonCommand):
    help = (
        "Encrypt again with the first key of EVOSENSE_DATA_KEYS what an older key encrypted. "
        "May be ended and started again at any time, while everything else runs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--batch", type=int, default=reencrypt.BATCH, metavar="N")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        if options["batch"] < 1:
            raise CommandError("--batch: use a number from 1 on.")
        outcome = reencrypt.reencrypt(batch=options["batch"])
        self.stdout.write(json.dumps(_answer(outcome)))
        if outcome.unreadable:
            raise CommandError(_refusal(outcome))


def _answer(outcome: Outcome) -> dict[str, Any]:
    return {
        "newest_key": reencrypt.newest(),
        "renewed": outcome.renewed,
        "unreadable": outcome.unreadable,
        "values_by_key": dict(sorted(outcome.values.items())),
        "removable_keys": outcome.removable(),
        "needed_keys": outcome.needed(),
        "advice": _advice(outcome),
    }


def _advice(outcome: Outcome) -> str:
    if outcome.needed():
        return (
            f"Keep {', '.join(outcome.needed())}. Processes that still write with an older key "
            "must be restarted with the new order of keys; then run this again."
        )
    if outcome.removable():
        return f"{', '.join(outcome.removable())} may be removed from EVOSENSE_DATA_KEYS."
    return "Nothing to do."


def _refusal(outcome: Outcome) -> str:
    return (
        f"{outcome.unreadable} values cannot be opened and were left as they are: the bytes of "
        f"a key in EVOSENSE_DATA_KEYS are wrong, or a key is missing (values need "
        f"{', '.join(outcome.needed())}). First ones: {'; '.join(outcome.examples)}"
    )
