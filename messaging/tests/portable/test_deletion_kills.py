"""A deletion that is killed between its steps goes on where it stopped."""

import signal

import pytest
from django.conf import settings
from django.test import override_settings

from evosense.testing.databases import ALPHA, BETA
from evosense.testing.forks import forks
from messaging.tests.portable.test_deletion import KEPT, make_company, schemas, where_it_is
from tenancy.services import deletion, life

KILLED = """
import os, signal
import django
from django.conf import settings
settings.STORAGES = {**settings.STORAGES, "default": {
    "BACKEND": "django.core.files.storage.FileSystemStorage"}}
django.setup()
from tenancy.services import deletion

def work(tenant, after):
    steps = list(deletion.STEPS)

    def die(doomed):
        if after % 2:
            # In the middle: the step's own work is done, its successor's is not begun.
            steps[after // 2](doomed)
        os.kill(os.getpid(), signal.SIGKILL)

    deletion.STEPS = (*steps[: after // 2], die)
    deletion.carry_out(tenant)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("media")


@pytest.fixture(scope="module")
def killed(django_db_setup, folder):
    with forks(KILLED, MEDIA_ROOT=str(folder)) as made:
        yield made


@pytest.mark.chaos
@pytest.mark.parametrize("after", [0, 3, 5, 6, 9, 11, 13])
def test_a_kill_between_steps_costs_nothing(committed, folder, killed, after):
    storages = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(folder)},
        },
    }
    with override_settings(STORAGES=storages):
        tenant = make_company()
        life.ask_deletion(tenant.id, retyped="acme", grace_days=0)
        assert killed.run(str(tenant.id), after) == -signal.SIGKILL
        if after < 13:
            assert deletion.due() == [tenant.id]
            assert deletion.carry_out(tenant.id)
        assert set(where_it_is(tenant.id)) == KEPT
        assert schemas() == {ALPHA.schema_name, BETA.schema_name}
