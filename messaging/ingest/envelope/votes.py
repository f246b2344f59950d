"""The aggregate of a poll as Evolution folds it: ``[{"name", "voters": [jid]}]``."""

from messaging.ingest.envelope.jids import norm_jid
from messaging.ingest.envelope.scalars import as_list, text_of

Tally = tuple[tuple[str, tuple[str, ...]], ...]


def tally_of(value: object) -> Tally:
    rows = []
    for row in as_list(value)[:64]:
        if isinstance(row, dict) and text_of(row.get("name")):
            voters = [norm_jid(voter) for voter in as_list(row.get("voters"))[:2048]]
            rows.append((row["name"][:500], tuple(dict.fromkeys(v for v in voters if v))))
    return tuple(rows)
