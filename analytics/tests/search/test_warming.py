"""The engine of searches is loaded beside the start of a web process."""

import threading

import pytest

from analytics.embedded import engines
from analytics.search import warming
from evosense import gunicorn_conf


@pytest.fixture
def slow(monkeypatch, settings):
    """Return a gate before an engine that notes what it was given."""
    settings.WARM_SEARCH = True
    gate, placed = threading.Event(), []

    def place(texts):
        assert gate.wait(10)
        placed.extend(texts)

    monkeypatch.setattr(engines, "engine", lambda _code: place)
    yield gate, placed
    gate.set()


def test_a_start_does_not_wait_for_the_engine(slow) -> None:
    gate, placed = slow
    thread = warming.begin()
    assert thread is not None
    assert thread.is_alive()
    assert not placed
    # A process that ends at once is not held up by it.
    assert thread.daemon
    gate.set()
    thread.join(10)
    assert len(placed) == 1


def test_an_engine_that_cannot_be_loaded_ends_no_process(monkeypatch, settings) -> None:
    settings.WARM_SEARCH = True

    def broken(_code):
        raise ImportError

    monkeypatch.setattr(engines, "engine", broken)
    thread = warming.begin()
    assert thread is not None
    thread.join(10)
    assert not thread.is_alive()


def test_tests_do_not_load_it(settings) -> None:
    assert warming.begin() is None


def test_workers_of_gunicorn_load_it_after_they_forked(monkeypatch) -> None:
    begun = []
    monkeypatch.setattr(warming, "begin", lambda: begun.append(1))
    gunicorn_conf.post_worker_init(None)
    assert begun == [1]
