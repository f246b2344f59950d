"""The watch over the suite's statements sees a join of two companies, and nothing else."""

import pytest
from django.db import connection

from evosense.testing import query_watch
from evosense.testing.databases import ALPHA, BETA


@pytest.mark.parametrize(
    ("statement", "joined"),
    [
        ("SELECT 1 FROM messaging_message", False),
        ("SELECT t_alpha1.name FROM messaging_contact t_alpha1", False),
        ("SELECT 1 FROM t_aaaa1.messaging_message", False),
        ('SELECT 1 FROM "t_aaaa1".m JOIN "t_aaaa1".c ON true', False),
        ("SELECT 1 FROM t_aaaa1.m JOIN t_bbbb2.m ON true", True),
        ('SELECT 1 FROM "t_aaaa1"."m", "t_bbbb2"."m"', True),
        ("SELECT 1 FROM t_aaaa1.m WHERE id IN (SELECT id FROM t_bbbb2.m)", True),
        ("SELECT 1 FROM t_aaaa1.m UNION ALL SELECT 1 FROM t_bbbb2.m", False),
        ("INSERT INTO t_aaaa1.m SELECT * FROM t_bbbb2.m", True),
        ("SELECT 1 FROM t_aaaa1.m JOIN public.tenancy_tenant t ON true", False),
    ],
)
def test_what_counts_as_a_join_of_companies(statement, joined):
    assert query_watch.companies_joined(statement) is joined


def test_a_sent_statement_is_seen(public):
    one, other = ALPHA.schema_name, BETA.schema_name
    statement = f"SELECT 1 FROM {one}.messaging_message a, {other}.messaging_message"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement)

    assert query_watch.violations == [statement]
    query_watch.violations.clear()
