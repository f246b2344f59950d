import pytest

from messaging.tests.receiver.servers import Cluster, Process


@pytest.fixture(scope="package")
def _cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("receiver"))
    yield cluster
    cluster.destroy()


@pytest.fixture
def cluster(_cluster):
    """Yield a PostgreSQL with empty tables that tests may kill."""
    _cluster.create_tables()
    return _cluster


@pytest.fixture
def start_receiver(cluster, tmp_path):
    """Return a function that starts receivers; all of them are ended afterwards."""
    started = []

    def start(name: str = "receiver", **environment: str) -> Process:
        process = Process(cluster.url, tmp_path / name, environment)
        started.append(process)
        return process.start()

    yield start
    for process in started:
        process.kill()
