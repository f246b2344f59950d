"""`seed_laboratory`: prompts, labels and finished experiments of the demonstration company."""

from typing import Any

from django.core.management.base import CommandParser

from analytics.experiments import demo
from analytics.prompting.versions import Author
from evosense.core.locks import named_lock
from evosense.core.schema import public_scope, tenant_scope
from messaging.management.demo_company import PEOPLE, SLUG
from tenancy.management.output import JsonCommand
from tenancy.models import Membership
from tenancy.services import people, tenants

_WRITERS = {Membership.Role.OWNER, Membership.Role.ADMIN}


class Command(JsonCommand):
    help = "Fill the laboratory of the demonstration company. Safe to repeat."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", default=SLUG, help="short name of the company")

    def answer(self, **options: Any) -> dict[str, Any]:
        with public_scope(), named_lock("analytics.seed_laboratory"):
            tenant = tenants.find_tenant(slug=options["tenant"])
            authors = _authors()
            with tenant_scope(tenant.ref):
                return demo.ensure(authors)


def _authors() -> list[Author]:
    """Return the people of the demonstration who may write prompts."""
    emails = [email for email, _name, role in PEOPLE if role in _WRITERS]
    found = [people.find_user(email) for email in emails]
    return [Author(user.pk, str(user)) for user in found if user is not None]
