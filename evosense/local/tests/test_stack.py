import os
import socket
import stat

import psycopg
import pytest

from evosense.local import postgres
from evosense.local.home import Home, process_environment
from evosense.local.stack import lease_services, services
from evosense.local.system import StackError
from evosense.local.tests.conftest import eventually

pytestmark = pytest.mark.chaos


@pytest.fixture
def home(installation, monkeypatch):
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.delenv("REDIS_URL")
    monkeypatch.setenv("EVOSENSE_HOME", str(installation.home.root))
    return installation.home


def test_services_stop_with_their_last_user(home, installation):
    first, found = lease_services(home)
    second, same = lease_services(home)
    assert found.database_url == same.database_url
    first.release()
    with psycopg.connect(found.database_url) as link:
        link.execute("select 1")
    second.release()
    assert eventually(lambda: not installation.processes(), 5), installation.processes()


def test_settings_that_the_design_asks_for(home):
    with services(home) as found, psycopg.connect(found.database_url) as link:
        values = {
            name: link.execute("select current_setting(%s)", [name]).fetchone()[0]
            for name in (*postgres.SETTINGS, "fsync", "listen_addresses", "server_encoding")
        }
        link.execute("create extension vector")
    assert values["max_locks_per_transaction"] == "512"
    assert values["wal_level"] == "logical"
    assert values["fsync"] == "on"
    assert values["listen_addresses"] == "127.0.0.1"
    assert values["server_encoding"] == "UTF8"
    assert values["idle_in_transaction_session_timeout"] == "30s"


def test_the_database_refuses_a_wrong_password(home):
    with services(home) as found:
        wrong = found.database_url.replace(":" + home.secrets()["EVOSENSE_LOCAL_PASSWORD"], ":no")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)


def test_a_half_made_database_is_made_again(home):
    home.prepare()
    for name in ("postgres-18", "postgres-18.unfinished"):
        (home.root / name / "base").mkdir(parents=True)
    with services(home) as found, psycopg.connect(found.database_url) as link:
        assert link.execute("select 1").fetchone() == (1,)


def test_a_stale_pid_file_does_not_matter(home):
    with services(home):
        pass
    stale = home.root / "postgres-18" / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{stale.parent}\n0\n54318\n\n127.0.0.1\n0 0\nready\n")
    with services(home) as found, psycopg.connect(found.database_url) as link:
        assert link.execute("select 1").fetchone() == (1,)


def test_taken_database_ports_are_avoided(home):
    with services(home) as found:
        port = int(found.database_url.rsplit(":", 1)[1].split("/")[0])
    with socket.create_server(("127.0.0.1", port)), services(home) as found:
        assert f":{port}/" not in found.database_url
        psycopg.connect(found.database_url).close()


def test_real_servers_are_used_and_no_embedded_one_started(home, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://db.example/evosense")
    monkeypatch.setenv("REDIS_URL", "redis://cache.example/0")
    with services(home) as found:
        assert found.database_url == "postgres://db.example/evosense"
        assert found.embedded == frozenset()
        assert not (home.root / "postgres-18").exists()
        assert not (home.root / "redis").exists()


def test_secrets_are_made_once_and_private(tmp_path):
    home = Home(tmp_path)
    first = home.secrets()
    assert home.secrets() == first
    assert stat.S_IMODE(home.env_file.stat().st_mode) == 0o600
    assert len(first["SECRET_KEY"]) >= 50
    assert first["EVOSENSE_DATA_KEYS"].startswith("k1:")


def test_what_the_operator_sets_wins_over_the_generated_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "mine")
    environment = process_environment(Home(tmp_path), database_url="d", redis_url="r")
    assert environment["SECRET_KEY"] == "mine"
    assert environment["DATABASE_URL"] == "d"


def test_somebody_elses_run_directory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    home = Home(tmp_path / "home")
    home.run_dir.symlink_to(tmp_path)
    with pytest.raises(StackError, match="belongs to somebody else"):
        home.prepare()


def test_with_runs_a_command_and_returns_its_code(installation):
    done = installation.call("with", "--", "sh", "-c", "echo $DATABASE_URL; exit 7")
    assert done.returncode == 7
    assert done.stdout.startswith("postgres://evosense:")
    assert len(done.stdout.splitlines()) == 1


def test_manage_prints_only_the_commands_output(installation):
    done = installation.call("manage", "seed_demo")
    assert done.returncode == 0, done.stderr
    assert done.stdout == '{"slug": "loja", "email": "dona@loja.example", "password": "segredo"}\n'
    assert "starts: 1" in done.stderr


def test_manage_joins_a_running_house(installation):
    _, output = installation.start()
    done = installation.call("manage", "seed_demo")
    assert done.returncode == 0, done.stderr
    assert "starts" not in done.stderr
    assert "databases were stopped" not in output.read_text()


@pytest.mark.parametrize(
    ("said", "port"),
    [("process 7, http://localhost:8301/", "8301"), ("", "8000"), ("http://localhost:x/", "8000")],
)
def test_manage_knows_where_the_house_answers(tmp_path, monkeypatch, said, port):
    monkeypatch.delenv("PORT", raising=False)
    home = Home(tmp_path)
    assert home.last_port() == "8000"
    home.run_file.write_text(said)
    assert process_environment(home, database_url="d", redis_url="r")["PORT"] == port
