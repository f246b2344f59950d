"""Which files the test workers begin with: the longest, so that none works alone in the end.

With `--dist loadfile --no-loadscope-reorder` files are given out in the order of collection. The
order of xdist itself, by the number of tests, puts a file last that has one test of a minute.
"""

import pytest

# By their seconds in a run of everything (`make test PYTEST_ARGS=--durations=0`). Only the second
# does not need the database, which the first worker has yet to build.
LONGEST_FIRST = (
    "evosense/tests/test_isolation_matrix.py",
    "evosense/local/tests/test_run.py",
    "messaging/tests/portable/test_fleet_story.py",
    "messaging/tests/sender/test_crash_points.py",
    "evosense/tests/end_to_end/test_browser.py",
    "evosense/tests/end_to_end/test_laboratory_browser.py",
    "messaging/tests/api/test_fuzz.py",
    "messaging/tests/sender/test_sender_kills.py",
    "evosense/tests/end_to_end/test_composer_browser.py",
    "evosense/tests/end_to_end/test_front_door.py",
    "tenancy/tests/test_fleet.py",
    "messaging/tests/health/test_within_a_minute.py",
    "tenancy/tests/test_provision.py",
    "evosense/tests/end_to_end/test_connect_page.py",
    "evosense/tests/test_deployment.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: places.get(item.nodeid.split("::")[0], len(places)))
