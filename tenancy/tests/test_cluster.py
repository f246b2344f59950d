"""Several database nodes: what is sent to Citus, in which order, and what is refused.

The extension itself is not at hand. Tables and functions of its names stand in its place and note
what they are asked; the rules over the schemas are tested on the real catalogue.
"""

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from evosense.core.errors import Conflict, NotFound
from evosense.testing.databases import ALPHA, BETA
from tenancy.db import cluster
from tenancy.db.cluster import Move, Node, Placement
from tenancy.db.readiness import problems

GB = 1024**3
STAND_IN = """
    CREATE TABLE asked (number int GENERATED ALWAYS AS IDENTITY, call text);
    CREATE TABLE pg_dist_node (nodeid int, groupid int, nodename text, nodeport int,
        isactive bool DEFAULT true, shouldhaveshards bool DEFAULT true,
        noderole text DEFAULT 'primary');
    CREATE TABLE pg_dist_schema (schemaid regnamespace, colocationid int);
    CREATE TABLE pg_dist_partition (logicalrelid regclass, colocationid int);
    CREATE TABLE pg_dist_shard (logicalrelid regclass, shardid int);
    CREATE TABLE pg_dist_placement (shardid int, groupid int);
    CREATE FUNCTION citus_total_relation_size(regclass, bool) RETURNS bigint
        LANGUAGE sql AS 'SELECT 1000::bigint';
    CREATE FUNCTION citus_set_coordinator_host(text, int) RETURNS void LANGUAGE sql
        AS 'INSERT INTO asked (call) VALUES (''coordinator '' || $1 || '':'' || $2)';
    CREATE FUNCTION citus_add_node(text, int) RETURNS int LANGUAGE sql AS '
        INSERT INTO asked (call) VALUES (''add '' || $1 || '':'' || $2);
        INSERT INTO pg_dist_node SELECT count(*) + 1, count(*) + 1, $1, $2 FROM pg_dist_node;
        SELECT 1';
    CREATE FUNCTION citus_set_node_property(text, int, text, bool) RETURNS void LANGUAGE sql
        AS 'INSERT INTO asked (call) VALUES (''property '' || $1 || '' '' || $3 || '' '' || $4)';
    CREATE FUNCTION citus_schema_distribute(regnamespace) RETURNS void LANGUAGE sql AS '
        INSERT INTO asked (call) VALUES (''distribute '' || $1::text);
        INSERT INTO pg_dist_schema SELECT $1, count(*) FROM pg_dist_schema';
    CREATE FUNCTION citus_schema_move(regnamespace, text, int, text) RETURNS void LANGUAGE sql AS '
        INSERT INTO asked (call) SELECT format(''move %s %s:%s %s'', $1, $2, $3, $4)';
"""


@pytest.fixture
def citus(public, monkeypatch):
    with connection.cursor() as cursor:
        cursor.execute(STAND_IN)
    monkeypatch.setattr(cluster, "citus_version", lambda: "14.0")
    monkeypatch.setattr(cluster, "missing_settings", list)

    def asked():
        with connection.cursor() as cursor:
            cursor.execute("SELECT call FROM asked ORDER BY number")
            return [row[0] for row in cursor.fetchall()]

    return asked


def place(schema, group):
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(shardid), 0) + 1 FROM pg_dist_shard")
        number = cursor.fetchone()[0]
        table = f"{schema}.messaging_message"
        cursor.execute("INSERT INTO pg_dist_schema VALUES (%s::regnamespace, %s)", [schema, number])
        cursor.execute("INSERT INTO pg_dist_partition VALUES (%s::regclass, %s)", [table, number])
        cursor.execute("INSERT INTO pg_dist_shard VALUES (%s::regclass, %s)", [table, number])
        cursor.execute("INSERT INTO pg_dist_placement VALUES (%s, %s)", [number, group])


def two_nodes():
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO pg_dist_node VALUES (1, 1, 'w1', 5432), (2, 2, 'w2', 5432)")


def test_enabling_sets_the_coordinator_then_workers_then_schemas(citus):
    done = cluster.enable(
        coordinator=Node("db", 5432), workers=[Node("w1", 5432), Node("w2", 5433)]
    )

    assert set(done) == {ALPHA.schema_name, BETA.schema_name}
    assert citus()[:4] == [
        "coordinator db:5432",
        "add w1:5432",
        "add w2:5433",
        "property db shouldhaveshards false",
    ]
    assert {call for call in citus() if call.startswith("distribute")} == {
        f"distribute {ALPHA.schema_name}",
        f"distribute {BETA.schema_name}",
    }


def test_enabling_again_repeats_nothing_that_is_done(citus):
    workers = [Node("w1", 5432)]
    cluster.enable(coordinator=Node("db", 5432), workers=workers)

    assert cluster.enable(coordinator=Node("db", 5432), workers=workers) == []
    assert citus().count("add w1:5432") == 1


def test_a_broken_rule_stops_before_the_first_step(citus):
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {ALPHA.schema_name}.thing (user_id bigint)")

    with pytest.raises(Conflict) as refused:
        cluster.enable(coordinator=Node("db", 5432), workers=[Node("w1", 5432)])

    assert "no primary key" in str(refused.value.message)
    assert citus() == []


def test_moving_names_schema_node_and_the_way_that_lets_writers_work(citus):
    two_nodes()
    place(ALPHA.schema_name, 1)

    moved = cluster.move(ALPHA, Node("w2", 5432))

    assert moved.node == "w2:5432"
    assert citus() == [f"move {ALPHA.schema_name} w2:5432 force_logical"]


def test_moving_where_it_already_is_does_nothing(citus):
    two_nodes()
    place(ALPHA.schema_name, 1)

    cluster.move(ALPHA, Node("w1", 5432))

    assert citus() == []


def test_an_unknown_node_or_an_undistributed_company_is_refused(citus):
    two_nodes()

    with pytest.raises(NotFound):
        cluster.move(ALPHA, Node("nowhere", 5432))
    with pytest.raises(Conflict):
        cluster.move(ALPHA, Node("w1", 5432))


def test_placements_count_schemas_and_bytes_by_node(citus):
    two_nodes()
    place(ALPHA.schema_name, 1)

    assert cluster.by_node() == {
        "w1:5432": {"schemas": 1, "bytes": 1000},
        "w2:5432": {"schemas": 0, "bytes": 0},
    }


@pytest.mark.parametrize(
    ("sizes", "moves"),
    [
        ({"a": ("w1", 10), "b": ("w1", 9), "c": ("w2", 1)}, [("b", 9)]),
        ({"a": ("w1", 10)}, []),
        ({"a": ("w1", 10), "b": ("w2", 9)}, []),
        ({}, []),
        ({"a": ("w1", 5), "b": ("w1", 5), "c": ("w1", 5), "d": ("w1", 5)}, [("a", 5), ("b", 5)]),
    ],
)
def test_the_plan_moves_little_and_ends_even(sizes, moves):
    rows = [Placement(name, f"{node}:5432", size * GB) for name, (node, size) in sizes.items()]
    rows.sort(key=lambda row: -row.size)

    plan = cluster.balance_plan(rows, [Node("w1", 5432), Node("w2", 5432)])

    assert [(each.schema_name, each.size // GB) for each in plan] == moves
    assert all(isinstance(each, Move) and each.source != each.target for each in plan)


def test_the_command_places_only_when_told(citus, capsys):
    two_nodes()
    place(ALPHA.schema_name, 1)
    place(BETA.schema_name, 1)

    call_command("scaling", "place")
    planned = json.loads(capsys.readouterr().out)
    assert citus() == []
    call_command("scaling", "place", "--apply")

    assert planned["applied"] is False
    assert len(planned["moves"]) == 1
    assert len(citus()) == 1


def test_without_citus_the_commands_say_so(public, capsys):
    for arguments in (["place"], ["move", "--tenant", ALPHA.slug, "--to", "w1"]):
        with pytest.raises(CommandError, match="not a Citus coordinator"):
            call_command("scaling", *arguments)
    call_command("scaling", "check")
    answer = json.loads(capsys.readouterr().out)

    assert answer["ready"] is False
    assert answer["citus"] is None
    assert any("max_prepared_transactions" in line for line in answer["settings_missing"])


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        (
            "CREATE TABLE {s}.bad (id int PRIMARY KEY REFERENCES public.tenancy_user (id))",
            "foreign key",
        ),
        (
            "CREATE TABLE {s}.bad (id bigint PRIMARY KEY) INHERITS ({s}.messaging_contact)",
            "inherits",
        ),
        ("CREATE TABLE {s}.bad (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY)", "identity"),
        ("CREATE TABLE {s}.bad (id bigint)", "primary key"),
    ],
)
def test_each_rule_finds_its_breach(public, statement, rule):
    assert problems() == []
    with connection.cursor() as cursor:
        cursor.execute(statement.format(s=ALPHA.schema_name))

    assert any(rule in line and "bad" in line for line in problems())


@pytest.mark.parametrize("text", ["", ":5432", "host:port"])
def test_a_node_is_written_as_host_and_port(text):
    with pytest.raises(Conflict):
        cluster.node_of(text)
