"""What Prometheus reads, and who may read it."""

import os
import re
import time

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from evosense.core import heartbeat, metrics
from evosense.core.schema import tenant_scope
from messaging.tasks import expire_parked
from tenancy.db.tasks import TenantRefused
from tenancy.models import Mail, Tenant
from tenancy.tasks import finish_provisioning

pytestmark = pytest.mark.django_db
TOKEN = "scrape-" + "x" * 40


@pytest.fixture
def scrape(settings):
    settings.METRICS_TOKEN = TOKEN
    metrics.house._until = 0.0

    def read(host="testserver"):
        response = Client().get("/metrics", HTTP_HOST=host, HTTP_AUTHORIZATION=f"Bearer {TOKEN}")
        assert response.status_code == 200
        return {family.name: family for family in text_string_to_metric_families(response.text)}

    return read


@pytest.mark.parametrize(
    "authorization", ["", "Bearer wrong", "Bearer ", f"Basic {TOKEN}", "Bearer é"]
)
def test_without_its_token_the_page_does_not_exist(settings, authorization):
    settings.METRICS_TOKEN = TOKEN

    assert Client().get("/metrics", HTTP_AUTHORIZATION=authorization).status_code == 404


def test_an_unset_token_opens_nothing(settings):
    settings.METRICS_TOKEN = ""

    assert Client().get("/metrics", HTTP_AUTHORIZATION="Bearer ").status_code == 404


def test_a_probe_by_address_may_scrape(scrape):
    assert "evosense_tenants" in scrape(host="10.1.2.3")


def test_requests_are_counted_by_view_and_never_by_path(scrape, tenant):
    Client().get("/healthz")
    Client().get("/conversas/?q=5511987654321", HTTP_HOST=f"{tenant.slug}.testserver")

    samples = scrape()["evosense_http_request_seconds"].samples

    views = {sample.labels.get("view") for sample in samples}
    assert "healthz" in views
    assert not any("5511987654321" in str(sample.labels) for sample in samples)


def test_the_house_counts_tenants_and_failed_mail(scrape, public):
    Mail.objects.create(kind="invitation", to="ana@example.com", state=Mail.State.FAILED)

    found = scrape()

    by_state = {s.labels["state"]: s.value for s in found["evosense_mail"].samples}
    assert by_state == {"waiting": 0, "failed": 1}
    assert sum(sample.value for sample in found["evosense_tenants"].samples) >= 2


def test_a_company_that_a_swap_left_standing_is_counted(scrape, public):
    assert scrape()["evosense_tenants_standing"].samples[0].value == 0
    Tenant.objects.filter(slug="alpha").update(state=Tenant.State.MOVING)
    metrics.house._until = 0.0

    assert scrape()["evosense_tenants_standing"].samples[0].value == 1


def test_a_scrape_asks_each_gauge_once_in_ten_seconds(scrape, monkeypatch):
    asked = []
    monkeypatch.setitem(
        metrics._gauges,
        "asked",
        metrics.HouseGauge("evosense_asked", "Test.", (), lambda: asked.append(1) or [((), 1.0)]),
    )

    scrape()
    metrics.house.collect()

    assert asked == [1]


def test_one_broken_gauge_hides_no_other(scrape, monkeypatch):
    def broken():
        raise RuntimeError("away")

    monkeypatch.setitem(
        metrics._gauges, "broken", metrics.HouseGauge("evosense_broken", "Test.", (), broken)
    )

    found = scrape()

    assert "evosense_broken" not in found
    assert "evosense_tenants" in found


def test_the_number_of_queries_does_not_grow_with_tenants(
    scrape, public, django_assert_max_num_queries
):
    # One for each gauge that asks PostgreSQL; a query for each tenant would exceed it.
    with django_assert_max_num_queries(len(metrics.gauge_names())):
        scrape()


def test_labels_hold_nothing_that_a_customer_chose(scrape, tenant):
    text = metrics.render(with_house=True).decode()

    # In labels only: values are clocks and bytes, and hold any digits.
    assert not re.search(r"\d{10,15}@|@s\.whatsapp|=\"[^\"]*55119", text)


def test_task_runs_are_counted_by_outcome(tenant):
    before = _task_count("tenancy.finish_provisioning", "done")
    finish_provisioning.apply()

    assert _task_count("tenancy.finish_provisioning", "done") == before + 1


def test_a_task_without_its_tenant_counts_as_refused(tenant):
    task = expire_parked
    before = _task_count(task.name, "refused")
    with tenant_scope(tenant):
        result = task.apply(headers={"x-tenant": ""})

    assert isinstance(result.result, TenantRefused)
    assert _task_count(task.name, "refused") == before + 1


def test_a_heartbeat_is_as_old_as_the_last_beat(tmp_path, monkeypatch):
    monkeypatch.setattr(heartbeat, "FOLDER", str(tmp_path))
    monkeypatch.setattr(heartbeat, "_last", -10.0)
    assert heartbeat.age() == float("inf")

    heartbeat.beat()

    assert heartbeat.age() < 5
    stamp = time.time() - 500
    os.utime(tmp_path / "alive", (stamp, stamp))
    assert 490 < heartbeat.age() < 520


def _task_count(task, outcome):
    found = metrics.TASK_SECONDS.labels(task, outcome)
    return sum(bucket.get() for bucket in found._buckets)
