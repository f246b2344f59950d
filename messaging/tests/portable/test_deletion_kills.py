"""A deletion that is killed between its steps goes on where it stopped."""

import os
import subprocess
import sys
import textwrap

import pytest
from django.conf import settings
from django.test import override_settings

from evosense.testing.databases import ALPHA, BETA
from evosense.testing.house import database_url
from messaging.tests.portable.test_deletion import KEPT, make_company, schemas, where_it_is
from tenancy.services import deletion, life

KILLED = """
import os, signal, sys
import django
django.setup()
from tenancy.services import deletion
steps, after = list(deletion.STEPS), int(sys.argv[2])

def die(doomed):
    if after % 2:
        # In the middle: the step's own work is done, its successor's is not begun.
        steps[after // 2](doomed)
    os.kill(os.getpid(), signal.SIGKILL)

deletion.STEPS = (*steps[: after // 2], die)
deletion.carry_out(sys.argv[1])
"""


@pytest.mark.chaos
@pytest.mark.parametrize("after", [0, 3, 5, 6, 9, 11, 13])
def test_a_kill_between_steps_costs_nothing(committed, tmp_path, after):
    storages = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path)},
        },
    }
    with override_settings(STORAGES=storages):
        tenant = make_company()
        life.ask_deletion(tenant.id, retyped="acme", grace_days=0)
        died = _run_killed(tenant, after, tmp_path)
        assert died.returncode == -9, died.stderr[-2000:]
        if after < 13:
            assert deletion.due() == [tenant.id]
            assert deletion.carry_out(tenant.id)
        assert set(where_it_is(tenant.id)) == KEPT
        assert schemas() == {ALPHA.schema_name, BETA.schema_name}


def _run_killed(tenant, after, folder):
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "MEDIA_ROOT": str(folder),
        "DJANGO_SETTINGS_MODULE": "evosense.settings.test",
    }
    code = KILLED.replace(
        "django.setup()",
        textwrap.dedent(
            """
            from django.conf import settings
            settings.STORAGES = {**settings.STORAGES, "default": {
                "BACKEND": "django.core.files.storage.FileSystemStorage"}}
            django.setup()
            """
        ),
    )
    return subprocess.run(
        [sys.executable, "-c", code, str(tenant.id), str(after)],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
