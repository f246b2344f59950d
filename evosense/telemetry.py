"""Optional reports to the outside: errors to Sentry, traces to an OpenTelemetry collector.

Both are off without their variable. Both addresses are the operator's, not a tenant's, so they do
not pass the egress door. What leaves is scrubbed by the net that also masks the logs.
"""

import os
from collections.abc import Mapping
from typing import Any

from evosense.core.logging import mask

# The only parts of a request that help to find an error and hold nothing of a customer.
_KEPT_REQUEST = ("method",)


def start() -> None:
    """Start what the environment asks for; called once in each process."""
    if dsn := os.environ.get("SENTRY_DSN", ""):
        start_sentry(dsn)
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        start_tracing()


def start_sentry(dsn: str, **options: Any) -> None:
    """Send errors to `dsn`, without request bodies, local variables, cookies or query strings."""
    import sentry_sdk  # noqa: PLC0415  (costs 100 ms that nobody pays without a DSN)

    sentry_sdk.init(
        dsn=dsn,
        release=os.environ.get("RELEASE") or None,
        environment=os.environ.get("SENTRY_ENVIRONMENT", "production"),
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        traces_sample_rate=0.0,
        max_breadcrumbs=0,
        before_send=scrub,
        **options,
    )


def scrub(event: Any, hint: Any) -> Any:  # noqa: ARG001  (Sentry's signature)
    """Return the event with every text masked and the request reduced to its method."""
    request = event.get("request")
    if isinstance(request, Mapping):
        event["request"] = {key: request[key] for key in _KEPT_REQUEST if key in request}
    for error in (event.get("exception") or {}).get("values", []):
        # Its message quotes data; kind and frames are enough to find it.
        error.pop("value", None)
    for key in ("user", "extra", "breadcrumbs", "server_name"):
        event.pop(key, None)
    return _masked(event)


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {key: _masked(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(each) for each in value]
    return value


def start_tracing() -> None:
    """Trace requests, tasks and statements; statements without their parameters."""
    from opentelemetry import trace  # noqa: PLC0415  (as above)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.instrumentation.celery import CeleryInstrumentor  # noqa: PLC0415
    from opentelemetry.instrumentation.django import DjangoInstrumentor  # noqa: PLC0415
    from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "evosense")})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    DjangoInstrumentor().instrument(request_hook=_name_by_route)
    CeleryInstrumentor().instrument()  # type: ignore[no-untyped-call]
    PsycopgInstrumentor().instrument(enable_commenter=False)


def _name_by_route(span: Any, request: Any) -> None:  # noqa: ARG001
    """Drop what the instrumentation keeps of the address: paths may hold webhook tokens."""
    for name in ("http.url", "http.target", "url.full", "url.path", "url.query"):
        if span is not None and span.is_recording():
            span.set_attribute(name, "")
