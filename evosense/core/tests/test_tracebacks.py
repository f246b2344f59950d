"""Logs say where and what kind of fault, never the value it was about."""

import io
import json
import logging
import logging.config

import psycopg
import pytest
from celery import Task, shared_task
from django.db import IntegrityError, connection

from evosense.core.errors import Conflict
from evosense.core.logging import logging_settings
from evosense.core.tracebacks import describe_exception, headline

MARK = "CANARIO-7f3a9c"


@pytest.fixture
def lines(monkeypatch):
    """Log as in production; yields a function that returns what was written."""
    stream = io.StringIO()
    configured = logging_settings(as_json=True, level="INFO")
    configured["handlers"]["stderr"]["stream"] = stream
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logging.config.dictConfig(configured)
    yield stream.getvalue
    root.handlers[:] = handlers
    root.setLevel(level)


def caught(act) -> BaseException:
    try:
        act()
    except Exception as error:  # noqa: BLE001
        return error
    raise AssertionError


def described(error: BaseException) -> str:
    return describe_exception((type(error), error, error.__traceback__))


def test_a_value_that_is_quoted_by_an_error_is_not_told() -> None:
    text = described(caught(lambda: int(MARK)))
    assert MARK not in text
    assert "ValueError" in text
    assert __file__ in text


def test_the_cause_is_told_without_its_value_too() -> None:
    def act() -> None:
        try:
            {}[MARK]
        except KeyError as error:
            raise RuntimeError(MARK) from error

    text = described(caught(act))
    assert MARK not in text
    assert text.index("KeyError") < text.index("which led to") < text.index("RuntimeError")


def test_errors_about_code_and_machines_keep_their_words() -> None:
    assert headline(caught(lambda: None.missing)).endswith("has no attribute 'missing'")
    assert "No such file" in headline(caught(lambda: open("/no/such/file")))  # noqa: SIM115
    assert headline(Conflict("name_taken", MARK)).endswith("code=name_taken")


def test_a_database_error_names_the_constraint_and_not_the_row(public) -> None:
    def act() -> None:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE told (text text CONSTRAINT short CHECK (text = ''))")
            cursor.execute("INSERT INTO told VALUES (%s)", [MARK])

    error = caught(act)
    assert MARK in str(error)
    assert isinstance(error, IntegrityError)
    text = described(error)
    assert MARK not in text
    assert "constraint_name=short" in text
    assert "sqlstate=23514" in text
    assert "psycopg.errors.CheckViolation" in text


def test_the_log_of_production_holds_no_message_of_an_exception(lines) -> None:
    logger = logging.getLogger("evosense.test")
    logger.error("work %s failed", 7, exc_info=caught(lambda: int(MARK)))
    entry = json.loads(lines())
    assert entry["event"] == "work 7 failed"
    assert MARK not in lines()
    assert "ValueError" in entry["exception"]


def test_a_failed_task_is_logged_without_arguments_and_message(lines) -> None:
    @shared_task(name="test.fails", base=Task)
    def fails(text: str) -> None:
        raise ValueError(text)

    fails.apply(kwargs={"text": MARK}, throw=False)
    assert "test.fails" in lines()
    assert MARK not in lines()


def test_the_database_server_writes_no_values_into_its_log(public) -> None:
    wanted = {
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
        "log_min_duration_statement": "-1",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
        "log_statement": "none",
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(wanted)])
        assert dict(cursor.fetchall()) == wanted


def test_psycopg_still_tells_what_the_description_relies_on() -> None:
    assert {"sqlstate", "table_name", "column_name", "constraint_name"} <= set(
        dir(psycopg.errors.Diagnostic)
    )
