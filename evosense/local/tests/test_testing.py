import os

import psycopg
import redis

from evosense.local.home import PROJECT
from evosense.local.testing import own_redis_database
from evosense.testing.order import LONGEST_FIRST


def test_each_worker_has_its_own_redis_database():
    assert own_redis_database("redis://:pw@127.0.0.1:6379/0", "") == "redis://:pw@127.0.0.1:6379/0"
    assert own_redis_database("redis://h:6379", "gw3") == "redis://h:6379/4"


def test_the_session_has_real_servers():
    with psycopg.connect(os.environ["DATABASE_URL"]) as link:
        assert link.info.server_version >= 180000
    assert redis.from_url(os.environ["REDIS_URL"]).ping()


def test_every_file_that_goes_first_is_there():
    assert [name for name in LONGEST_FIRST if not (PROJECT / name).exists()] == []
