"""`database_roles`: make the roles of the database and hand the tables to their owner."""

import os
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext_lazy as _

from evosense.core.errors import Invalid
from evosense.core.role_check import allow_strong_role
from tenancy.db.roles import RoleNames, make_roles
from tenancy.management.output import JsonCommand

KINDS = ("owner", "app", "readonly", "backup")


class Command(JsonCommand):
    help = "Make the database's roles (owner, app, readonly, backup). Run it as a superuser."

    def add_arguments(self, parser: CommandParser) -> None:
        for kind in KINDS:
            parser.add_argument(f"--{kind}", default=getattr(RoleNames(), kind), metavar="NAME")
            parser.add_argument(
                f"--{kind}-password-env",
                default="",
                metavar="VAR",
                help="variable with its password",
            )

    def answer(self, **options: Any) -> dict[str, Any]:
        allow_strong_role()
        names = RoleNames(**{kind: options[kind] for kind in KINDS})
        passwords = {
            kind: _from_environment(options[f"{kind}_password_env"])
            for kind in KINDS
            if options[f"{kind}_password_env"]
        }
        return {"roles": make_roles(names, passwords), "passwords_set": sorted(passwords)}


def _from_environment(variable: str) -> str:
    password = os.environ.get(variable, "")
    if len(password) < 16:
        message = _("%(name)s must hold a password of at least 16 characters.") % {"name": variable}
        raise Invalid("password_weak", message, field=variable)
    return password
