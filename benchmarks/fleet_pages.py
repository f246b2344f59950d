"""Log-in and pages, as a browser would ask for them, over many hosts or one."""

import math
import time
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.test import Client

from evosense.core.schema import TenantRef, public_scope
from evosense.core.streams import redis_client
from tenancy.models import Membership, User

PASSWORD = "correct horse battery staple"  # noqa: S105
PAGES = ("/", "/conversas/")


def people_of(tenants: list[TenantRef], each: int = 1) -> list[tuple[TenantRef, str]]:
    """Give each company so many owners; returns the companies with their e-mails.

    As many as log-ins are measured, because one person may not log in every second.
    """
    with public_scope():
        hashed = make_password(PASSWORD)
        made = [
            (tenant, User(email=f"owner{place}@{tenant.slug}.example.com", password=hashed))
            for tenant in tenants
            for place in range(each)
        ]
        User.objects.bulk_create(user for _tenant, user in made)
        Membership.objects.bulk_create(
            Membership(tenant_id=tenant.id, user=user, role="owner") for tenant, user in made
        )
    return [(tenant, user.email) for tenant, user in made]


def measure(people: list[tuple[TenantRef, str]], samples: int) -> dict[str, tuple[float, float]]:
    """Log in and look at the pages `samples` times, taking the companies in turn.

    Returns the median and the 95th percentile of each, in milliseconds.
    """
    redis_client().flushdb()
    took: dict[str, list[float]] = {"log-in": [], **{page: [] for page in PAGES}}
    for number in range(samples):
        tenant, email = people[number % len(people)]
        browser = Client(
            HTTP_HOST=f"{tenant.slug}.{settings.PUBLIC_HOST}",
            REMOTE_ADDR=f"10.{number // 65536}.{number // 256 % 256}.{number % 256}",
        )
        started = time.perf_counter()
        answer = browser.post("/entrar/", {"email": email, "password": PASSWORD})
        took["log-in"].append((time.perf_counter() - started) * 1000)
        assert answer.status_code == 302, (answer.status_code, answer.content[2000:4000])
        for page in PAGES:
            started = time.perf_counter()
            answer = browser.get(page)
            took[page].append((time.perf_counter() - started) * 1000)
            assert answer.status_code == 200, (page, answer.status_code, answer.headers)
    return {name: percentiles(values) for name, values in took.items()}


def percentiles(values: list[Any]) -> tuple[float, float]:
    ordered = sorted(values)
    return ordered[len(ordered) // 2], ordered[math.ceil(len(ordered) * 0.95) - 1]
