import os
import pwd
import signal
import socket

import pytest

from evosense.local.system import child_setup, interrupted
from evosense.local.tests.conftest import PATIENCE, eventually

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc to find orphans"),
]


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything(installation, sig):
    process, output = installation.start()
    assert len(installation.processes()) > 5
    process.send_signal(sig)
    assert process.wait(PATIENCE) == 0, output.read_text()
    assert installation.processes() == []


def test_a_killed_supervisor_leaves_no_process(installation):
    process, _ = installation.start()
    process.kill()
    process.wait()
    assert eventually(lambda: not installation.processes()), installation.processes()


def test_a_killed_guardian_takes_databases_and_supervisor_along(installation):
    process, output = installation.start()
    [guardian] = [pid for pid in installation.processes() if b"guardian" in command_line(pid)]
    os.kill(guardian, signal.SIGKILL)
    assert process.wait(PATIENCE) == 1, output.read_text()
    assert eventually(lambda: not installation.processes()), installation.processes()


def test_the_second_run_resumes_with_the_same_data(installation):
    first, output = installation.start()
    assert "starts: 1" in output.read_text()
    password = installation.home.secrets()
    first.send_signal(signal.SIGTERM)
    first.wait(PATIENCE)
    _, output = installation.start()
    assert "starts: 2" in output.read_text()
    assert installation.home.secrets() == password


def test_data_survives_a_kill_of_everything_at_once(installation):
    first, _ = installation.start()
    for pid in [first.pid, *installation.processes()]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    first.wait()
    _, output = installation.start()
    assert "starts: 2" in output.read_text()


def test_the_box_names_addresses_and_credentials(installation):
    _, output = installation.start()
    assert eventually(lambda: "segredo" in output.read_text())
    text = output.read_text()
    assert f"http://loja.localhost:{installation.port}/" in text
    assert "dona@loja.example" in text


def test_without_demonstration_nothing_is_seeded(installation):
    _, output = installation.start(EVOSENSE_DEMO="0")
    text = output.read_text()
    assert "simulator" not in text
    assert "Demo" not in text


def test_a_demonstration_that_fails_does_not_stop_the_house(installation):
    _, output = installation.start(HOUSE_BROKEN_DEMO="1")
    assert eventually(lambda: "could not be created (code 4)" in output.read_text())
    assert "simulator" not in output.read_text()


def test_a_process_that_dies_is_started_again(installation):
    _, output = installation.start(HOUSE_CRASHER="1")
    assert eventually(lambda: output.read_text().count("│ crash\n") >= 3)


def test_a_taken_port_is_named(installation):
    with socket.create_server(("127.0.0.1", installation.port)):
        done = installation.call("run")
    assert done.returncode == 1
    assert f"port {installation.port} is in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_run_on_the_same_home_is_refused(installation):
    installation.start()
    done = installation.call("run")
    assert done.returncode == 1
    assert "already running" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_it_runs_as_an_ordinary_user(installation):
    nobody = pwd.getpwnam("nobody")
    os.chown(installation.home.root, nobody.pw_uid, nobody.pw_gid)
    process, output = installation.start(preexec_fn=child_setup(nobody), HOME="/nonexistent")
    assert "starts: 1" in output.read_text()
    assert {owner(pid) for pid in installation.processes()} == {nobody.pw_uid}
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0
    assert installation.processes() == []


def test_a_process_that_does_not_block_sigint_is_not_interrupted():
    assert not interrupted(os.getpid())


def command_line(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as handle:
        return handle.read()


def owner(pid):
    return os.stat(f"/proc/{pid}").st_uid
