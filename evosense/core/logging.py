"""Logs as JSON lines on standard error, with a net that masks numbers, addresses and tokens.

The first rule is that nobody logs them; the net is for libraries and mistakes. Imported by
settings, so it must not import Django.
"""

import logging
import re
from typing import Any

import structlog

from evosense.core.tracebacks import describe_exception

_NET = [
    (re.compile(r"(?<![\w-])\+?\d{10,15}(?![\w-])"), "[number]"),
    (re.compile(r"[\w.+:-]+@(?:s\.whatsapp\.net|lid|g\.us|c\.us|broadcast|newsletter)"), "[jid]"),
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "[email]"),
    (re.compile(r"\b(?:evs_live|sk_live|sk_test|rk_live|whsec)_[\w-]+"), "[key]"),
    (re.compile(r"(/hooks/evo/[0-9a-fA-F-]{36})/[^\s/?\"']+"), r"\1/[token]"),
    (
        re.compile(
            r"(/(?:convite|entrar/nova-senha|conta/email/confirmar"
            r"|criar-conta/(?:confirmar|renovar|pronto))/)[^\s/?\"']+"
        ),
        r"\1[token]",
    ),
    (re.compile(r"(?i)(ticket|token|apikey|password)=[^&\s\"']+"), r"\1=[secret]"),
]
_TRUSTED = frozenset({"level", "logger", "timestamp", "request_id", "tenant", "process"})


def mask(text: str) -> str:
    """Return `text` without phone numbers, chat addresses, e-mails, keys and tokens."""
    for pattern, replacement in _NET:
        text = pattern.sub(replacement, text)
    return text


def mask_values(_logger: Any, _method: str, entry: dict[str, Any]) -> dict[str, Any]:
    """Mask every string of a log entry; keys of our own with random ids stay readable."""
    return {
        key: mask(value) if isinstance(value, str) and key not in _TRUSTED else value
        for key, value in entry.items()
    }


class WithoutArguments(logging.Filter):
    """Keep of Celery's lines the task's name and id: the rest repeats arguments and errors."""

    def filter(self, record: logging.LogRecord) -> bool:
        context = record.args
        if isinstance(context, dict) and "name" in context:
            known = {key: context.get(key, "") for key in ("name", "id", "description")}
            record.msg, record.args = "task %(name)s[%(id)s] %(description)s", known
        return True


class WithoutPath(logging.Filter):
    """Name the route instead of the path: paths hold tokens of links and what people typed."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        path = getattr(request, "path", None)
        if path and isinstance(record.args, tuple):
            match = getattr(request, "resolver_match", None)
            route = f"/{match.route}" if match else "[unknown address]"
            record.args = tuple(route if each == path else each for each in record.args)
        return True


def _exceptions(*, quote_data: bool) -> Any:
    """Return the processor for exceptions; only at the keyboard of a developer it shows data."""
    if quote_data:
        return structlog.processors.format_exc_info
    return structlog.processors.ExceptionRenderer(describe_exception)


def logging_settings(*, as_json: bool, level: str) -> dict[str, Any]:
    """Return the dictConfig of the process and point structlog at it."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _exceptions(quote_data=not as_json),
        mask_values,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    renderer,
                ],
            }
        },
        "filters": {
            "without_arguments": {"()": WithoutArguments},
            "without_path": {"()": WithoutPath},
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "celery.app.trace": {"filters": ["without_arguments"]},
            "django.request": {"filters": ["without_path"]},
            "django.security.csrf": {"filters": ["without_path"]},
            "django.server": {"level": "WARNING"},
            "httpcore2": {"level": "WARNING"},
            "httpx2": {"level": "WARNING"},
            "uvicorn.access": {"level": "WARNING"},
        },
    }
