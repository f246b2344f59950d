"""`operator_create`: a person who runs the house."""

import os
from typing import Any

from django.core.management.base import CommandError, CommandParser

from tenancy.management.output import JsonCommand
from tenancy.services.operators import create_operator


class Command(JsonCommand):
    help = "Make an operator; somebody who has an account keeps it, with its password."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--name", default="")
        parser.add_argument(
            "--password-env",
            required=True,
            metavar="VAR",
            help="The environment variable that holds the password of a new account.",
        )

    def answer(self, **options: Any) -> dict[str, Any]:
        password = os.environ.get(options["password_env"], "")
        if not password:
            raise CommandError(f"--password-env: {options['password_env']} is not set")
        made = create_operator(email=options["email"], password=password, name=options["name"])
        return {"id": made.user.pk, "email": made.user.email, "new_account": made.is_new}
