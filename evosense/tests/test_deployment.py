"""The files an operator deploys with: valid, hardened, and every command in them really runs."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from django.conf import settings

from evosense.local.home import PROJECT
from evosense.testing.house import database_url, production_environment
from evosense.testing.roles import PASSWORD, made_roles
from tenancy.db.roles import RoleNames
from tools.gates import TOOLS

BIN = Path(sys.executable).parent
COMPOSE = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
OURS = {name: each for name, each in SERVICES.items() if str(each["image"]).startswith("evosense:")}
ONCE = {"migrate", "roles"}
LASTING = sorted(set(OURS) - ONCE)
READY_WITHIN = 90
EVERYWHERE = "0.0.0.0"  # noqa: S104  (of the container)
TROUBLE = re.compile(r"permission denied|database_away|step_failed|Traceback|authentication")
EXAMPLES = (".env.example", "deploy/env.owner.example", "deploy/env.root.example")
READERS = (
    "evosense/*.py",
    "evosense/settings/*.py",
    "evosense/core/**/*.py",
    "messaging/ingest/receiver/*.py",
)


@pytest.mark.parametrize("name", ["docker-compose.yml", "docker-compose.citus.yml"])
def test_the_compose_file_fits_the_specification(name):
    done = run([str(TOOLS / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", name])

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dockerfile_has_no_finding():
    done = run([str(BIN / "hadolint"), "Dockerfile"])

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONCE))
def test_each_service_is_watched_and_bounded(name):
    service = SERVICES[name]

    assert service["healthcheck"]["test"]
    assert service["mem_limit"]
    assert service["restart"] == "unless-stopped"
    assert service["logging"]["options"]["max-size"]


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_image_runs_without_rights(name):
    service = OURS[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "10001" in (PROJECT / "Dockerfile").read_text().split("USER")[-1]


def test_nothing_is_reachable_from_outside_without_the_proxy():
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_no_file_holds_a_secret_that_works():
    environment = [
        value
        for service in SERVICES.values()
        for name, value in (service.get("environment") or {}).items()
        if re.search(r"PASSWORD|SECRET|KEY\b|TOKEN|DATABASE_URL|_URI", name)
        and "EXPOSE" not in name
    ]
    example = dict(_assignments((PROJECT / ".env.example").read_text()))

    assert all("${" in value or "@" not in value for value in environment), environment
    assert not any(
        example[name] for name in ("SECRET_KEY", "EVOSENSE_DATA_KEYS", "EVOSENSE_HMAC_KEY")
    )


def test_redis_never_drops_work():
    command = SERVICES["redis"]["command"]

    assert "--appendonly yes" in command
    assert "noeviction" in command


def test_only_migrations_and_maintenance_may_change_tables():
    assert {name for name, service in OURS.items() if is_owner(service)} == {
        "roles", "migrate", "worker",
    }  # fmt: skip


def is_owner(service):
    """Tell whether a service has the owner's environment beside everybody's."""
    return service["env_file"] != ".env"


def test_every_queue_has_a_worker():
    from evosense.celery import QUEUES

    served = {
        queue
        for service in OURS.values()
        if "worker --queues" in service["command"]
        for queue in service["command"].split("--queues ")[1].split()[0].split(",")
    }

    assert served == set(QUEUES)


def test_every_variable_is_in_the_example():
    """What the code reads and what .env.example explains are the same list."""
    example = (PROJECT / ".env.example").read_text()
    explained = set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", example, re.MULTILINE))
    text = "".join(path.read_text() for pattern in READERS for path in PROJECT.glob(pattern))
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z0-9_]+)"', text))
    read |= set(re.findall(r'environ(?:\.get\(|\[)"([A-Z0-9_]+)"', text))
    set_by_us = {"DJANGO_SETTINGS_MODULE"}

    assert read - explained - set_by_us == set()


def test_compose_sets_only_variables_that_somebody_reads():
    example = "".join((PROJECT / name).read_text() for name in EXAMPLES)
    given = {name for service in OURS.values() for name in (service.get("environment") or {})}
    interpolated = set(re.findall(r"\$\{([A-Z_]+)", (PROJECT / "docker-compose.yml").read_text()))

    assert {name for name in given | interpolated if name not in example} == set()


@pytest.fixture
def deploy_roles(committed):
    names = RoleNames("deploy_owner", "deploy_app", "deploy_readonly", "deploy_backup")
    with made_roles(names):
        yield


@pytest.mark.chaos
def test_each_service_starts_and_passes_its_health_check(deploy_roles, tmp_path):
    """Every command of the compose file under production settings, all at once as there."""
    trials = {name: Trial(name, tmp_path / name) for name in LASTING}
    try:
        for trial in trials.values():
            trial.start()
        unhealthy = {name: why for name, trial in trials.items() if (why := trial.wait())}
    finally:
        ends = {name: trial.stop() for name, trial in trials.items()}

    assert unhealthy == {}
    assert {
        name: trial.log() for name, trial in trials.items() if TROUBLE.search(trial.log())
    } == {}
    assert {name: end for name, end in ends.items() if end not in {0, -signal.SIGTERM}} == {}


class Trial:
    """One service as the compose file starts it, with the folders and ports of this machine."""

    def __init__(self, name, folder):
        folder.mkdir()
        self.service, self.folder = OURS[name], folder
        self.ports = {"8000": free_port(), "9000": free_port()}
        given = self.service.get("environment") or {}
        self.environment = production(folder, owner=is_owner(self.service)) | {
            key: self.here(given[key]) for key in given
        }

    def here(self, text):
        """Return the text with this machine's places; nothing else changes."""
        text = str(text).replace(EVERYWHERE, "127.0.0.1").replace("/tmp", str(self.folder))
        for port, free in self.ports.items():
            text = text.replace(port, str(free))
        return text

    def start(self):
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                shlex.split(self.here(self.service["command"])),
                cwd=PROJECT, env=self.environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def wait(self):
        """Return an empty text once the health check passes, else why it never did."""
        check = [self.here(part) for part in self.service["healthcheck"]["test"][1:]]
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                return f"ended with {self.process.returncode}: {self.log()}"
            done = subprocess.run(
                check, cwd=PROJECT, env=self.environment, capture_output=True, check=False
            )
            if done.returncode == 0:
                return ""
            time.sleep(0.5)
        return f"never healthy: {done.stderr.decode()[-500:]} {self.log()}"

    def stop(self):
        self.process.terminate()
        try:
            return self.process.wait(40)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            return "did not stop"

    def log(self):
        return (self.folder / "log").read_text()[-2000:]


def production(folder, *, owner):
    """Return the environment of a container of ours, with this test's servers and the role that
    its service has."""
    return production_environment(
        database_url("deploy_owner" if owner else "deploy_app", PASSWORD)
    ) | {
        "HOME": str(folder),
        "RECEIVER_SPOOL_DIR": str(folder / "spool"),
        "MEDIA_ROOT": str(folder / "media"),
    }


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(command):
    return subprocess.run(
        command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60
    )


def _assignments(text):
    return re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE)


def test_the_setup_command_is_the_one_that_make_run_uses():
    assert OURS["migrate"]["command"] == "python manage.py setup"
    assert settings.ROOT_URLCONF == "evosense.urls_tenant"
