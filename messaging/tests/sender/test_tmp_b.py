import uuid
from django.db import connection, transaction
from messaging.tests.sender.fakes import fake_server, run_lanes
from messaging.tests.sending.things import make_line, say
from messaging.models import Outgoing
from messaging.sender import steps, statements
from messaging.sql import Sql

def test_x(tenant, committed, monkeypatch):
    monkeypatch.setattr(steps, "give_back_connection", lambda: None)
    line = make_line()
    for n in range(60):
        say(line, f"texto {n}", to=f"55119777{n%20:05d}")
    with fake_server():
        run_lanes(2)
    with connection.cursor() as c:
        c.execute("ANALYZE")
    o = Outgoing.objects.filter(state="queued").first()
    for _ in range(3):
        with transaction.atomic():
            sql = Sql()
            tok = uuid.uuid4()
            for name, st, pr in [("TAKE", statements.TAKE, {"line": line.pk, "token": tok}),
              ("SETTLE", statements.SETTLE, dict(id=o.pk, token=tok, number=1, state="sent", before=["sending","unknown"], failure=None, after=0.0, hold=None, is_final=True, outcome="accepted", code="", detail="", http_status=201, milliseconds=3, provider_id="3EB0123", status="sent", tenant=tenant.id, topic="x", line=line.pk)),
              ("PEEK", statements.PEEK, {"line": line.pk}),
              ("LANE", statements.LANE, [15.0, None, None, line.public_id, tok]),
              ("REST", statements.REST, {"line": line.pk, "lane": line.public_id, "holder": tok, "reason": "", "held": 15.0})]:
                rows = sql.rows("EXPLAIN (ANALYZE, BUFFERS) " + st, pr)
                ts = [r[0] for r in rows if "Time" in r[0] or "Trigger" in r[0]]
                print(name, ts)
            transaction.set_rollback(True)
