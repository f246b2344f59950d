"""A program: sends while PostgreSQL is killed and started again, and prints what was shown.

    python -m messaging.tests.sender.database_kills FOLDER

It has a PostgreSQL of its own with fsync on, because the tests' one must not feel the kills.
"""

import json
import os
import sys
import time
from pathlib import Path

from messaging.tests.receiver.servers import Cluster
from messaging.tests.simulator.process import running_simulator

LINES, MESSAGES, KILLS = 6, 25, 3


def main() -> None:
    folder = Path(sys.argv[1])
    cluster = Cluster(folder)
    os.environ["DATABASE_URL"] = cluster.url
    os.environ["LOG_LEVEL"] = "ERROR"
    try:
        import django

        django.setup()
        _prepare()
        with running_simulator("--time-factor", "0.02") as simulator:
            found = _send_and_kill(folder, cluster, simulator)
        sys.stdout.write(json.dumps(found) + "\n")
    finally:
        cluster.destroy()


def _prepare() -> None:
    from evosense.testing.databases import ALPHA, make_tenant_row
    from tenancy.db.migrate import migrate_public
    from tenancy.db.provision import provision

    migrate_public()
    make_tenant_row(ALPHA)
    provision(ALPHA.id)


def _send_and_kill(folder: Path, cluster: Cluster, simulator) -> dict[str, object]:
    from django.db import connections

    from evosense.core.schema import tenant_scope
    from evosense.testing.databases import ALPHA
    from messaging.models import Message
    from messaging.tests.sender.proof import Nursery, Proof

    nursery = Nursery(folder, DATABASE_URL=cluster.url)
    proof = Proof(nursery.log)
    with tenant_scope(ALPHA):
        for line in proof.add_lines(simulator, lines=LINES, chats=3):
            proof.queue(line, MESSAGES)
    connections.close_all()
    simulator.ask("faults", kind="delay", seconds=0.1)
    nursery.sender()
    for _ in range(KILLS):
        time.sleep(1.0)
        cluster.kill()
        time.sleep(0.5)
        cluster.start()
    with tenant_scope(ALPHA):
        proof.wait_until_final(120)
        texts = sorted(Message.objects.values_list("text", flat=True))
        states = dict(proof.states())
    nursery.close()
    sends = simulator.journal()["sends"]
    return {"wanted": texts, "shown": sorted(send["text"] for send in sends), "states": states}


if __name__ == "__main__":
    main()
