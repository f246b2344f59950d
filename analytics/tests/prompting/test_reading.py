"""Lists, differences, files and the API of prompts."""

import json

import pytest

from analytics.models import PromptTemplate
from analytics.models.choices import Task
from analytics.prompting import playground, reading, transfer
from analytics.prompting.labels import Why, move_label
from analytics.prompting.versions import Author, create_version
from evosense.core.errors import Invalid, NotFound
from messaging.tests.factories import make_message

ANA = Author(1, "Ana")


def write(name="tom", body="one"):
    return create_version(name=name, task=Task.MESSAGE, body=body, author=ANA)


def test_the_list_costs_the_same_for_many(tenant, count_queries):
    one, two = write(), write(body="two")
    move_label("staging", one, author=ANA)
    move_label("production", two, author=ANA, why=Why("because"))
    write("clima")
    with count_queries() as statements:
        found = reading.prompts()
    assert [(row.name, row.versions) for row in found] == [("clima", 1), ("tom", 2)]
    assert [(label.label, label.number) for label in found[1].labels] == [
        ("production", 2),
        ("staging", 1),
    ]
    assert len(statements) == 2
    assert reading.prompts(task=Task.REPLY) == []
    with pytest.raises(NotFound):
        reading.versions("nobody")


def test_a_difference_tells_lines_apart():
    lines = reading.difference("a\nb\nc", "a\nB\nc\nd")
    assert [(line.kind, line.text) for line in lines] == [
        ("same", "a"),
        ("removed", "b"),
        ("added", "B"),
        ("same", "c"),
        ("added", "d"),
    ]
    assert (lines[2].before, lines[2].after) == (None, 2)


def test_a_difference_of_hostile_texts_ends_soon():
    one, other = "a\nb\n" * 5_000, "b\na\n" * 5_000
    lines = reading.difference(f"same\n{one}", f"same\n{other}")
    assert (lines[0].kind, len(lines)) == ("same", 1 + 20_000)
    kinds = {line.kind for line in reading.difference("a\n" * 900, "a\n" * 900 + "b")}
    assert kinds == {"same", "added"}


def test_a_file_goes_round(tenant, other_tenant):
    from evosense.core.schema import tenant_scope

    write(), write(body="two")
    raw = transfer.write_file("tom")
    assert transfer.read_file(raw, author=ANA, name="copy")[1].version == "copy@2"
    with tenant_scope(other_tenant):
        assert [row.body for row in transfer.read_file(raw, author=ANA)] == ["one", "two"]
        # The last version is there; the first differs from it, so it is written again.
        assert PromptTemplate.objects.count() == 2


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"[]",
        b'{"format":"x"}',
        b'{"format":"evosense-prompts/1","versions":[]}',
        b'{"format":"evosense-prompts/1","versions":[{}]}',
        json.dumps(
            {
                "format": transfer.FORMAT,
                "versions": [
                    {
                        "name": "x",
                        "task": "message_analysis",
                        "body": "{{who}}",
                        "description": "",
                        "output_schema": {},
                        "model_params": {},
                    }
                ],
            }
        ).encode(),
    ],
)
def test_a_strange_file_is_refused_and_writes_nothing(tenant, raw):
    with pytest.raises(Invalid) as refusal:
        transfer.read_file(raw, author=ANA)
    assert refusal.value.field == "file"
    assert not PromptTemplate.objects.exists()


def test_the_playground_judges_without_rows(tenant):
    from analytics.analysis.items import ArmSpec
    from analytics.models import Inference

    message = make_message(text="péssimo atendimento, quero meu dinheiro de volta")
    items = playground.stored([message.public_id])
    lines = playground.try_out(items, [playground.Column("embedded", ArmSpec())])
    assert lines[0].message_id == message.public_id
    assert lines[0].answers[0].sentiment < 0
    assert not Inference.objects.exists()
    pasted = playground.pasted("amei!\n\n  obrigada, resolveu  ")
    assert [item.text for item in pasted] == ["amei!", "obrigada, resolveu"]
    for text in ("", "\n", "x\n" * 51, "y" * 4_001):
        with pytest.raises(Invalid):
            playground.pasted(text)


def test_the_api_writes_versions_and_moves_free_labels_only(client_for, api_key, tenant):
    from tenancy.tests.factories import anonymous_client, make_api_key

    client = anonymous_client()
    head = {
        "HTTP_AUTHORIZATION": f"Bearer {make_api_key(scopes=('prompts:read', 'prompts:write'))}"
    }
    post = {"content_type": "application/json", **head}
    body = {"name": "loja", "task": "message_analysis", "body": "Judge {{company}}."}
    made = client.post("/api/v1/prompts", data=body, **post)
    assert made.status_code == 201, made.content
    wrong = client.post("/api/v1/prompts", data={**body, "body": "{{x}}"}, **post)
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "body")
    version = made.json()["id"]
    moved = client.post(
        "/api/v1/prompts/labels", data={"version": version, "label": "staging"}, **post
    )
    assert (moved.status_code, moved.json()["number"]) == (200, 1)
    refused = client.post(
        "/api/v1/prompts/labels", data={"version": version, "label": "production"}, **post
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "label_protected")
    listed = client.get("/api/v1/prompts", **head).json()["results"]
    assert listed[0]["labels"][0]["label"] == "staging"
    assert client.get("/api/v1/prompts/loja/versions", **head).json()["results"][0]["number"] == 1
    assert client.get(f"/api/v1/prompts/versions/{version}", **head).json()["version"] == "loja@1"
