"""Usage and cost: sums by day, purpose and provider, the CSV, and what they cost to compute."""

import csv
import io
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from analytics.models import Inference, ModelCall
from analytics.selectors.usage import judged_in, used_by, used_in_all
from evosense.core.schema import tenant_scope
from messaging.tests.factories import make_message

pytestmark = pytest.mark.usefixtures("tenant")
URL = "/configuracoes/ia/uso/"
NOW = timezone.now()
SPAN = {"start": NOW - timedelta(days=10), "end": NOW + timedelta(days=1)}
_PROVIDER = uuid4()


def call(days=0, **over):
    row = ModelCall.objects.create(
        **{
            "purpose": "message_analysis",
            "provider_id": _PROVIDER,
            "provider_name": "Nuvem",
            "model_requested": "m-1",
            "items": 10,
            "input_tokens": 1_000,
            "cached_tokens": 200,
            "output_tokens": 300,
            "cost_micros": 2_000_000,
            "latency_ms": 800,
            **over,
        }
    )
    ModelCall.objects.filter(pk=row.pk).update(created_at=NOW - timedelta(days=days))
    return row


def page(client, query="", status=200):
    response = client.get(f"{URL}{query}")
    assert response.status_code == status
    return response.content.decode()


def test_only_who_manages_ai_sees_what_it_costs(client_for):
    for role, status in (("supervisor", 403), ("admin", 200)):
        page(client_for(role), status=status)
        assert client_for(role).get(f"{URL}csv/").status_code == status


def test_sums_are_those_of_the_calls():
    call()
    call(error="timed_out", latency_ms=45_000, cost_micros=0, output_tokens=0)
    call(currency="USD", cost_micros=500_000, is_estimated=True)
    total = used_in_all(**SPAN)
    assert (total.calls, total.failed, total.input_tokens) == (3, 1, 3_000)
    assert total.costs == {"BRL": 2_000_000, "USD": 500_000}
    assert total.is_estimated
    assert total.median_ms == 800


def test_nothing_asked_is_zero_and_has_no_time():
    total = used_in_all(**SPAN)
    assert (total.calls, total.tokens, total.median_ms, total.costs) == (0, 0, None, {})


def test_lines_are_made_by_day_purpose_or_provider():
    call(days=1)
    call(days=2, purpose="reply", provider_name="Casa", cost_micros=9_000_000)
    days = used_by("day", **SPAN)
    assert len(days) == 2
    assert days[0].key > days[1].key
    assert [line.key for line in used_by("purpose", **SPAN)] == ["reply", "message_analysis"]
    assert [line.key for line in used_by("provider", **SPAN)] == ["Casa", "Nuvem"]


def test_what_was_judged_is_counted_by_how():
    for number, over in enumerate(
        (
            {"provider": "embedded"},
            {"provider": "embedded", "is_degraded": True},
            {"provider": "Nuvem", "is_cached": True},
            {"provider": "Nuvem", "status": "error", "error": "timed_out"},
            {"provider": "Nuvem", "run_id": "exp", "is_shadow": True},
        )
    ):
        values = {"sentiment": 0, "satisfaction": 50, "confidence": 0.5}
        values |= {"emotion": "neutro", "tone": "neutro", "status": "ok", "model_name": "m"}
        Inference.objects.create(
            message=make_message(), run_key=f"k{number}", template_hash="h", **values | over
        )
    found = judged_in(**SPAN)
    assert (found.total, found.embedded, found.degraded) == (3, 1, 1)
    assert (found.cached, found.failed) == (1, 1)


def test_the_page_shows_amounts_as_people_write_them(client_for):
    call()
    html = page(client_for("admin"))
    assert "R$ 2,00" in html
    assert "1.300" in html
    for group in ("purpose", "provider", "day"):
        assert "Nuvem" in html or page(client_for("admin"), f"?por={group}")


def test_an_empty_period_says_so(client_for):
    call(days=40)
    html = page(client_for("admin"), "?periodo=7")
    assert 'class="empty' in html
    assert "<table" not in html


@pytest.mark.parametrize("query", ["?periodo=1", "?por=cor"])
def test_unknown_filters_are_refused(client_for, query):
    page(client_for("admin"), query, 400)


def test_the_csv_holds_each_day_purpose_and_model_and_no_formula(client_for):
    call(provider_name="=cmd()")
    call(days=1)
    response = client_for("admin").get(f"{URL}csv/?periodo=7")
    assert response["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert len(rows) == 2
    assert rows[0]["provider"] == "'=cmd()"
    assert rows[1]["cost"] == "2.000000"


def test_another_companys_calls_do_not_count(client_for, other_tenant):
    with tenant_scope(other_tenant):
        call(provider_name="Alheio")
    assert "Alheio" not in page(client_for("admin"), "?por=provider")


def test_the_page_costs_the_same_whatever_was_used(client_for, count_queries):
    client = client_for("admin")
    call()
    page(client)
    with count_queries() as few:
        page(client)
    for day in range(6):
        call(days=day, provider_name=f"P{day}")
    with count_queries() as many:
        page(client)
    assert len(many) == len(few), "\n".join(many)
