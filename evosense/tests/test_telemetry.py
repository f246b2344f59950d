"""What leaves for the error tracker holds no number, text or secret."""

import os
import subprocess
import sys

import pytest
import sentry_sdk
from sentry_sdk.transport import Transport

from evosense import telemetry
from evosense.local.home import PROJECT

NUMBER = "5511987654321"


class Kept(Transport):
    def __init__(self):
        super().__init__()
        self.sent = []

    def capture_envelope(self, envelope):
        self.sent.append(envelope.serialize().decode())


@pytest.fixture
def sentry():
    transport = Kept()
    telemetry.start_sentry("https://key@sentry.invalid/1", transport=transport)
    yield transport
    sentry_sdk.get_client().close()
    sentry_sdk.init(dsn=None)


def test_an_error_report_is_scrubbed(sentry):
    sentry_sdk.capture_exception(
        raised(f"cannot reach {NUMBER}@s.whatsapp.net for ana@example.com")
    )
    sentry_sdk.flush()

    report = "".join(sentry.sent)

    # Not even masked: the message of an exception quotes data.
    assert "cannot reach" not in report
    assert "RuntimeError" in report or "ValueError" in report
    assert "ana@example.com" not in report
    assert NUMBER not in report
    assert "evs_live_abc" not in report
    assert '"vars"' not in report


def raised(text):
    local_secret = "evs_live_abcdefgh_secret"
    try:
        raise ValueError(text) if local_secret else None
    except ValueError as error:
        return error


def test_a_request_is_reduced_to_its_method():
    event = {
        "request": {
            "method": "POST",
            "url": "https://x/hooks/evo/id/token",
            "data": "body",
            "cookies": {"sessionid": "1"},
            "headers": {"Authorization": "Bearer x"},
        },
        "user": {"ip_address": "203.0.113.9"},
        "extra": {"celery-job": {"args": [NUMBER]}},
    }

    assert telemetry.scrub(event, {}) == {"request": {"method": "POST"}}


def test_nothing_starts_unasked(monkeypatch):
    monkeypatch.delenv("SENTRY_DSN", raising=False)
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    started = []
    monkeypatch.setattr(telemetry, "start_sentry", started.append)
    monkeypatch.setattr(telemetry, "start_tracing", lambda: started.append("otel"))

    telemetry.start()

    assert started == []


def test_tracing_starts_and_keeps_no_address():
    """A process of its own: the instrumentation cannot be taken back."""
    script = """
import django; django.setup()
from opentelemetry import trace
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exporter = InMemorySpanExporter()
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(exporter))
from django.test import Client
Client().get("/healthz?token=secret-in-query")
spans = exporter.get_finished_spans()
assert spans, "no span"
assert "secret-in-query" not in str([dict(span.attributes) for span in spans]), spans[0].attributes
print("traced")
"""
    environment = os.environ | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "OTEL_BSP_SCHEDULE_DELAY": "600000",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert "traced" in done.stdout, done.stderr[-2000:]
