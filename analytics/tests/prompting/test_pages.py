"""The pages of prompts: reading, writing, labels, files, and the playground."""

import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse

from analytics.errands.starting import start
from analytics.models import Errand, Inference, PromptLabel, PromptLabelEvent, PromptTemplate
from analytics.models.choices import Task
from analytics.prompting.labels import Why, move_label
from analytics.prompting.schemas import SCHEMAS
from analytics.prompting.versions import Author, create_version
from analytics.tests.errands.helpers import do_waiting
from analytics.tests.experiments.factories import make_run
from evosense.core.schema import tenant_scope
from messaging.tests.factories import START, make_message

pytestmark = pytest.mark.usefixtures("tenant")
ANA = Author(1, "Ana")
FORM = {
    "name": "tom",
    "task": "message_analysis",
    "body": "Judge for {{company}}.",
    "description": "Begins",
    "temperature": "0,5",
}


def url(page, *args, **query):
    return reverse(f"analytics:prompt-{page}", args=args, query=query)


def page_of(client, address, status=200):
    answer = client.get(address)
    assert answer.status_code == status
    return answer.content.decode()


def write(name="tom", body="one", **over):
    return create_version(name=name, task=Task.MESSAGE, body=body, author=ANA, **over)


def in_production(*rows):
    for row in rows:
        move_label("production", row, author=ANA, why=Why("because"))


def move(client, row, **over):
    fields = {"version": str(row.public_id), "label": "production", "reason": "better"} | over
    return client.post(url("label-move", row.name), fields)


def where(label="production"):
    row = PromptLabel.objects.filter(label=label).select_related("template").first()
    return row.template.version if row else ""


def test_the_list_shows_labels_and_what_the_house_offers(client_for):
    client = client_for("admin")
    empty = page_of(client, url("list"))
    assert empty.count(url("create", modelo="analise-padrao")) == 1
    write()
    in_production(write(body="two"))
    page = page_of(client, url("list"))
    assert url("detail", "tom") in page
    assert "production · v2" in page
    assert url("import") in page
    # Its place is taken by the company's own.
    assert page.count('class="badge ok"') == empty.count('class="badge ok"')


def test_the_list_costs_the_same_however_long(client_for, count_queries):
    client = client_for("admin")
    write()
    page_of(client, url("list"))
    with count_queries() as one:
        page_of(client, url("list"))
    for name in ("a", "b", "c"):
        move_label("staging", write(name), author=ANA)
    with count_queries() as many:
        page_of(client, url("list"))
    assert len(many) == len(one)


def test_a_prompt_is_written_and_shown(client_for):
    client = client_for("admin")
    assert "analise-exemplos" in page_of(client, url("create", modelo="analise-exemplos"))
    answer = client.post(url("create"), FORM)
    assert answer["Location"] == url("version", "tom", 1)
    row = PromptTemplate.objects.get()
    assert row.model_params == {"temperature": 0.5}
    assert row.output_schema == SCHEMAS[Task.MESSAGE]
    page = page_of(client, url("version", "tom", 1))
    assert "Judge for {{company}}." in page
    assert "Begins" in page


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "Com espaço"}, "name"),
        ({"name": "taken"}, "name"),
        ({"task": "poetry"}, "task"),
        ({"body": "  "}, "body"),
        ({"body": "{{secret}}"}, "body"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": "9"}, "temperature"),
        ({"temperature": "nan"}, "temperature"),
        ({"top_p": "7"}, "top_p"),
        ({"output_schema": "{"}, "output_schema"),
        ({"output_schema": "[]"}, "output_schema"),
        ({"based_on": "7"}, ""),
    ],
)
def test_a_refused_form_says_which_field_and_keeps_what_was_typed(client_for, change, field):
    write("taken")
    answer = client_for("admin").post(url("create"), FORM | {"description": "Kept words"} | change)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="Kept words"' in page
    if field:
        assert f'id="id_{field}-error"' in page
    assert PromptTemplate.objects.count() == 1


def test_a_schema_that_the_database_cannot_keep_is_refused(client_for):
    schema = json.loads(json.dumps(SCHEMAS[Task.MESSAGE]))
    schema["description"] = "\x00"
    bad = FORM | {"output_schema": json.dumps(schema)}
    assert client_for("admin").post(url("create"), bad).status_code == 422
    schema["description"] = "x" * 40_001
    bad = FORM | {"output_schema": json.dumps(schema)}
    assert client_for("admin").post(url("create"), bad).status_code == 422


def test_the_next_version_begins_like_any_earlier_one(client_for):
    client = client_for("admin")
    write(model_params={"temperature": 0.2, "top_p": 0.9, "max_output_tokens": 500})
    write(body="two")
    page = page_of(client, url("create", de="tom@1"))
    assert "readonly" in page
    assert ">\none</textarea>" in page
    fields = dict(re.findall(r'name="(\w+)"[^>]*value="([^"]*)"', page))
    assert (fields["based_on"], fields["top_p"]) == ("2", "0.9")
    answer = client.post(url("create"), {**FORM, **fields, "name": "tom", "body": "three"})
    assert answer["Location"] == url("version", "tom", 3)
    written = PromptTemplate.objects.get(number=3)
    assert written.model_params == {"temperature": 0.2, "top_p": 0.9, "max_output_tokens": 500}
    # Somebody who still has the old form open hears of it.
    late = client.post(url("create"), {**FORM, **fields, "name": "tom", "body": "four"})
    assert late.status_code == 422


def test_a_version_shows_what_differs(client_for):
    client = client_for("supervisor")
    write(body="same\nold <b>")
    write(body="same\nmiddle")
    write(body="same\nnew")
    page = page_of(client, url("version", "tom", 3))
    assert "<del>middle</del>" in page
    assert "+ <ins>new</ins>" in page
    page = page_of(client, url("version", "tom", 3, de=1))
    assert "<del>old &lt;b&gt;</del>" in page
    assert "<del" not in page_of(client, url("version", "tom", 1))
    assert "<del" not in page_of(client, url("version", "tom", 3, de=99))


def test_a_version_that_was_altered_says_so(client_for):
    row = write()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE analytics_prompttemplate SET body = 'other' WHERE id = %s", [row.pk])
    assert 'class="banner bad' in page_of(client_for("admin"), url("version", "tom", 1))


def test_a_label_moves_with_its_reason_and_the_history_names_it(client_for):
    client = client_for("admin")
    row = write()
    assert move(client, row).status_code == 302
    assert where() == "tom@1"
    page = page_of(client, url("detail", "tom"))
    assert "better" in page
    run = make_run()
    move_label("staging", row, author=ANA, why=Why("won", run_id=run.run_id))
    move_label("other", row, author=ANA, why=Why("made up", run_id="nonsense"))
    page = page_of(client, url("detail", "tom"))
    assert reverse("analytics:experiment-detail", args=[run.public_id]) in page


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"reason": " "}, "reason"),
        ({"label": "Not one"}, "label"),
        ({"version": "nothing"}, "version"),
        ({"version": "01900000-0000-7000-8000-000000000000"}, "version"),
    ],
)
def test_a_refused_move_names_its_field_and_keeps_the_rest(client_for, change, field):
    answer = move(client_for("admin"), write(), **{"reason": "Kept words"} | change)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert f'id="id_{field}-error"' in page
    assert ("Kept words" in page) is (field != "reason")
    assert not PromptLabel.objects.exists()


def test_versions_of_another_name_are_not_taken(client_for):
    other = write("other")
    write()
    answer = client_for("admin").post(
        url("label-move", "tom"), {"version": str(other.public_id), "label": "x", "reason": "y"}
    )
    assert answer.status_code == 422


def test_a_protected_label_needs_a_reason_to_go_and_production_stays_protected(client_for):
    client = client_for("admin")
    row = write()
    in_production(row)
    move_label("staging", row, author=ANA)
    client.post(url("label-protect", "tom", "staging"), {"protected": "1"})
    assert PromptLabel.objects.get(label="staging").is_protected
    assert client.post(url("label-remove", "tom", "staging")).status_code == 422
    client.post(url("label-protect", "tom", "production"), {"protected": "0"})
    assert PromptLabel.objects.get(label="production").is_protected
    assert client.post(url("label-remove", "tom", "staging"), {"reason": "done"}).status_code == 302
    assert client.post(url("label-remove", "tom", "production"), {"reason": "x"}).status_code == 302
    assert not PromptLabel.objects.exists()
    assert PromptLabelEvent.objects.filter(template=None).count() == 2


def test_production_rolls_back_to_where_it_was(client_for):
    client = client_for("admin")
    first, second = write(), write(body="two")
    in_production(first)
    assert url("roll-back", "tom") not in page_of(client, url("detail", "tom"))
    in_production(second)
    assert url("roll-back", "tom") in page_of(client, url("detail", "tom"))
    assert client.post(url("roll-back", "tom"), {"reason": "worse"}).status_code == 302
    assert where() == "tom@1"
    assert PromptLabelEvent.objects.order_by("-pk").first().reason == "worse"


def test_only_the_prompt_in_production_rolls_it_back_and_both_histories_tell(client_for):
    client = client_for("admin")
    in_production(write("old"), write("new"))
    client.post(url("roll-back", "old"))
    assert where() == "new@1"
    page = page_of(client, url("detail", "old"))
    assert url("roll-back", "old") not in page
    assert "new@1" in page


def test_a_file_goes_out_and_comes_in(client_for):
    client = client_for("admin")
    write()
    write(body="two")
    answer = client.get(url("export", "tom"))
    assert 'filename="prompt-tom.json"' in answer["Content-Disposition"]
    file = SimpleUploadedFile("p.json", answer.content)
    assert client.post(url("import"), {"file": file, "name": "copy"}).status_code == 302
    assert [row.version for row in PromptTemplate.objects.filter(name="copy").order_by("pk")] == [
        "copy@1",
        "copy@2",
    ]


@pytest.mark.parametrize("raw", [b"", b"\xff\xd8", b"{}", b'{"format":"evosense-prompts/1"}'])
def test_a_strange_file_is_refused_and_the_name_stays(client_for, raw):
    fields = {"name": "kept-name"} | ({"file": SimpleUploadedFile("x", raw)} if raw else {})
    answer = client_for("admin").post(url("import"), fields)
    assert answer.status_code == 422
    assert 'id="id_file-error"' in answer.content.decode()
    assert "kept-name" in answer.content.decode()


def test_the_playground_judges_pasted_texts_and_keeps_nothing(client_for):
    client = client_for("admin")
    row = write()
    assert str(row.public_id) in page_of(client, url("playground", versao=row.public_id))
    fields = {
        "texts": "adorei, obrigada!\nque absurdo, péssimo <b>",
        "side_1_engine": "embedded",
        "token": "one",
    }
    answer = client.post(url("playground"), fields)
    assert answer.status_code == 302
    assert client.post(url("playground"), fields).url == answer.url
    waits = page_of(client, answer.url)
    assert 'hx-trigger="every 2s"' in waits
    assert "péssimo &lt;b&gt;" in waits
    do_waiting()
    page = page_of(client, answer.url)
    assert client.post(url("playground"), fields).url == answer.url
    assert 'hx-trigger="every 2s"' not in page
    assert page.count("<tr>") == 4
    assert "sent s" in page
    assert "péssimo &lt;b&gt;" in page
    assert "R$ 0,00" in page
    assert not Inference.objects.exists()


def test_the_playground_takes_the_newest_messages(client_for):
    client = client_for("admin")
    fields = {"source": "newest", "side_1_engine": "embedded", "side_2_engine": "embedded"}
    assert client.post(url("playground"), fields).status_code == 422
    message = make_message(text="chegou certinho, obrigado")
    answer = client.post(url("playground"), fields)
    do_waiting()
    assert "chegou certinho" in page_of(client, answer.url)
    again = client.post(url("playground"), fields)
    message.delete()
    [row] = do_waiting()
    assert (row.state, row.error) == ("failed", "message_not_found")
    assert 'class="banner warn"' in page_of(client, again.url)


def test_a_trial_is_cancelled_given_up_and_nobody_else_s(client_for, other_tenant):
    client = client_for("admin")
    fields = {"texts": "oi", "side_1_engine": "embedded"}
    there = client.post(url("playground"), fields).url
    assert client.post(f"{there}cancelar/").status_code == 302
    assert do_waiting() == []
    page = page_of(client, there)
    assert 'class="banner warn"' in page
    assert "cancelar/" not in page
    late = client.post(url("playground"), fields).url
    assert late != there
    Errand.objects.filter(state="waiting").update(expires_at=START)
    assert 'hx-trigger="every 2s"' not in page_of(client, late)
    with tenant_scope(other_tenant):
        theirs = start("playground", request={"texts": "oi", "messages": [], "sides": []})
    page_of(client, url("trial", theirs.public_id), 404)
    assert client_for("supervisor").get(there).status_code == 403


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"texts": "\n".join(["ok"] * 51)}, "texts"),
        ({"texts": ""}, "texts"),
        ({"texts": "x" * 4_001}, "texts"),
        ({"side_1_engine": ""}, "side_1_engine"),
        ({"side_3_engine": "01900000-0000-7000-8000-000000000000"}, "side_3_engine"),
        ({"side_2_engine": "not-a-uuid"}, "side_2_engine"),
    ],
)
def test_the_playground_says_what_it_cannot_take(client_for, change, field):
    fields = {"texts": "oi", "side_1_engine": "embedded"} | change
    answer = client_for("admin").post(url("playground"), fields)
    assert answer.status_code == 422
    assert f'id="id_{field}-error"' in answer.content.decode()


@pytest.mark.parametrize("role", ["viewer", "agent"])
def test_who_may_not_see_experiments_sees_no_prompt(client_for, role):
    write()
    client = client_for(role)
    for address in (url("list"), url("detail", "tom"), url("version", "tom", 1)):
        assert client.get(address).status_code == 403
    assert client.get(url("export", "tom")).status_code == 403


def test_supervisors_read_and_change_nothing(client_for):
    client = client_for("supervisor")
    row = write()
    in_production(row)
    page = page_of(client, url("list"))
    assert url("create") not in page
    page = page_of(client, url("detail", "tom"))
    assert '<form method="post" action="/prompts/' not in page
    assert url("create") not in page_of(client, url("version", "tom", 1))
    assert client.get(url("export", "tom")).status_code == 200
    for address in (url("create"), url("import"), url("playground")):
        assert client.get(address).status_code == 403
    assert move(client, row).status_code == 403
    assert client.post(url("roll-back", "tom")).status_code == 403


def test_names_of_others_and_of_nobody_are_not_found(client_for, other_tenant):
    with tenant_scope(other_tenant):
        write("theirs")
    client = client_for("admin")
    write()
    for name in ("theirs", "nobody"):
        for page in (url("detail", name), url("version", name, 1), url("export", name)):
            assert client.get(page).status_code == 404
        assert client.get(url("create", de=f"{name}@1")).status_code == 404
        for act in (
            url("label-move", name),
            url("roll-back", name),
            url("label-remove", name, "production"),
            url("label-protect", name, "production"),
        ):
            assert client.post(act, {"reason": "x"}).status_code == 404
    assert client.get(url("version", "tom", 10**15)).status_code == 404
