"""How the tests of the settings pages open and send them."""

from django.test import Client

from evosense.core.schema import public_scope
from evosense.testing.databases import ALPHA
from tenancy.models import Entitlement
from tenancy.recent import _PROVED_AT
from tenancy.tests.factories import client_of, make_member

HTMX = {"HTTP_HX_REQUEST": "true"}


def browser(role="admin", *, proved=True, **over) -> Client:
    client = client_of(make_member(role, **over))
    if proved:
        prove(client)
    return client


def prove(client):
    import time

    session = client.session
    session[_PROVED_AT] = int(time.time())
    session.save()


def page(client, url, status=200, **headers):
    answer = client.get(url, **headers)
    assert answer.status_code == status, answer.content[:3000]
    return answer.content.decode()


def send(client, url, data=None, status=303, **headers):
    answer = client.post(url, data or {}, **headers)
    assert answer.status_code in {status, 302 if status == 303 else status}, (
        answer.status_code,
        answer.content[:3000],
    )
    return answer


def seats(limit):
    with public_scope():
        Entitlement.objects.update_or_create(
            tenant_id=ALPHA.id, name="seats", defaults={"limit": limit}
        )


# Index
