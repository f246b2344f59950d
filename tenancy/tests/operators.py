"""An operator's browser for tests."""

from django.conf import settings
from django.test import Client
from django.utils import timezone

from evosense.core.schema import public_scope
from tenancy.models import User
from tenancy.services import mfa
from tenancy.services.operators import SESSION_KEY
from tenancy.tests import factories


def make_operator(**over) -> User:
    return factories.make_user(**{"is_staff": True, **over})


def give_factor(user: User) -> None:
    from allauth.mfa.models import Authenticator

    with public_scope():
        Authenticator.objects.create(
            user_id=user.pk, type=mfa.TOTP, data={"secret": mfa.new_secret(), "counter": 0}
        )


def public_client() -> Client:
    return Client(HTTP_HOST=settings.PUBLIC_HOST)


def operator_client(operator: User | None = None) -> Client:
    """Return a browser on the public host that came in by the operators' door."""
    operator = operator or make_operator()
    give_factor(operator)
    browser = public_client()
    with public_scope():
        browser.force_login(operator)
        session = browser.session
        session[SESSION_KEY] = timezone.now().isoformat()
        session.save()
    return browser
