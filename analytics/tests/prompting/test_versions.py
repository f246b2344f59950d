"""Versions never change, and what a company writes is checked before anybody is judged by it."""

import pytest

from analytics.models import PromptTemplate
from analytics.models.choices import Task
from analytics.prompting.platform import PLATFORM
from analytics.prompting.render import Misspelt, misspelt_variables, render
from analytics.prompting.schemas import SCHEMAS, schema_problem
from analytics.prompting.versions import Author, create_version, from_platform, is_intact
from evosense.core.errors import Conflict, Invalid

ANA = Author(1, "Ana")


def write(**over):
    given = {"name": "tom", "task": Task.MESSAGE, "body": "Judge {{company}}.", "author": ANA}
    return create_version(**{**given, **over})


def test_versions_count_up_and_never_change(tenant):
    first, second = write(), write(body="Judge better.", description="por quê")
    assert [first.version, second.version] == ["tom@1", "tom@2"]
    assert first.template_hash != second.template_hash
    first.body = "something else"
    with pytest.raises(TypeError):
        first.save()
    with pytest.raises(TypeError):
        PromptTemplate.objects.filter(pk=first.pk).update(body="something else")
    assert is_intact(PromptTemplate.objects.get(pk=first.pk))


def test_the_same_again_and_a_lost_race_are_refused(tenant):
    write()
    with pytest.raises(Conflict, match="unchanged"):
        write()
    write(body="two")
    with pytest.raises(Conflict, match="version_exists"):
        write(body="three", based_on=1)
    with pytest.raises(Invalid) as refusal:
        write(body="four", task=Task.REPLY)
    assert refusal.value.field == "task"


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"name": "Tom"}, "name"),
        ({"name": "a--b"}, "name"),
        ({"name": "x" * 49}, "name"),
        ({"task": "poetry"}, "task"),
        ({"body": "  "}, "body"),
        ({"body": "Hi {{user}}"}, "body"),
        ({"body": "x" * 20_001}, "body"),
        ({"body": "nul \x00"}, "body"),
        ({"body": "turned \u202e round"}, "body"),
        ({"output_schema": {"type": "object"}}, "output_schema"),
        ({"output_schema": []}, "output_schema"),
        ({"model_params": {"temperature": 3}}, "model_params.temperature"),
        ({"model_params": {"temperature": True}}, "model_params.temperature"),
        ({"model_params": {"tools": 1}}, "model_params"),
    ],
)
def test_what_cannot_serve_is_refused_by_field(tenant, over, field):
    with pytest.raises(Invalid) as refusal:
        write(**over)
    assert refusal.value.field == field


def test_values_are_not_looked_at_again():
    filled = render(Task.MESSAGE, "{{company}} {{ tones }} {{secret}}", {"company": "{{tones}}"})
    assert filled.startswith("{{tones}} formal, cordial")
    assert filled.endswith("{{secret}}")
    [wrong] = misspelt_variables(Task.MESSAGE, "{{company}}\n{{x}} {{x}}")
    assert wrong == Misspelt("x", 2, True)


@pytest.mark.parametrize(
    ("body", "text", "line"),
    [
        ("Judge {{company", "{{company", 1),
        ("Judge\nfor {{company} now", "{{company}", 2),
        ("Judge\n\ncompany}} now", "company}}", 3),
        ("Judge {company}} now", "company}}", 1),
        ("Judge {{ nome da empresa }} now", "{{ nome da empresa }", 1),
        ("Judge {{}} now", "{{}", 1),
    ],
)
def test_a_misspelt_variable_is_refused_with_its_place(tenant, body, text, line):
    with pytest.raises(Invalid) as refusal:
        write(body=body)
    assert (refusal.value.field, refusal.value.code) == ("body", "broken_variable")
    assert f"{line}: “{text}”" in str(refusal.value.message)
    assert "{{company}}" in str(refusal.value.message)


def test_the_line_of_an_unknown_variable_is_named(tenant):
    with pytest.raises(Invalid) as refusal:
        write(body="Judge {{company}}\nfor {{user}}")
    assert refusal.value.code == "unknown_variable"
    assert "2:" in str(refusal.value.message)
    assert "user" in str(refusal.value.message)


def test_braces_of_json_are_no_variables(tenant):
    example = 'Answer {"items": [{"id": 1, "mood": {"is": "good", "sure": true}}]} for {{company}}'
    assert write(body=example).number == 1


def test_a_description_is_tidied_and_hides_nothing(tenant):
    tidied = write(description="  por quê\r\n\tpara quem  \n ").description
    assert tidied == "por quê\n para quem"
    assert write(body="two", description=" \n ").description == ""
    for hidden in ("\x07", "\u202e", "\u200b", "\x00"):
        with pytest.raises(Invalid) as refusal:
            write(body="three", description=f"olá{hidden}você")
        assert (refusal.value.field, refusal.value.code) == ("description", "text_hidden")
    with pytest.raises(Invalid) as refusal:
        write(body="three", description="x" * 1_001)
    assert refusal.value.code == "too_long"


@pytest.mark.parametrize("template", PLATFORM, ids=lambda one: one.name)
def test_templates_of_the_house_pass_their_own_rules(tenant, template):
    assert from_platform(template.task, ANA, name=template.name).number == 1
    assert schema_problem(template.task, template.output_schema) == ""


def test_a_schema_may_gain_scalars_and_lose_nothing():
    item = SCHEMAS[Task.MESSAGE]["properties"]["items"]["items"]
    longer = {**item["properties"], "urgency": {"type": "integer"}}
    wide = {**item, "properties": longer, "required": list(longer)}
    assert schema_problem(Task.MESSAGE, whole(wide)) == ""
    assert "required" in schema_problem(Task.MESSAGE, whole({**item, "properties": longer}))
    short = {key: value for key, value in item["properties"].items() if key != "emotion"}
    lost = {**item, "properties": short, "required": list(short)}
    assert "emotion" in schema_problem(Task.MESSAGE, whole(lost))
    nested = {**longer, "urgency": {"type": "object"}}
    assert "urgency" in schema_problem(
        Task.MESSAGE, whole({**item, "properties": nested, "required": list(nested)})
    )


@pytest.mark.parametrize(
    "added",
    [
        {"type": ["string", "null"]},
        {"type": {}},
        {"type": "string", "enum": 5},
        {"type": "string", "enum": []},
        {"type": "string", "pattern": "x"},
        "text",
    ],
)
def test_a_strange_addition_is_named(added):
    item = SCHEMAS[Task.MESSAGE]["properties"]["items"]["items"]
    wider = {**item["properties"], "urgency": added}
    problem = schema_problem(
        Task.MESSAGE, whole({**item, "properties": wider, "required": list(wider)})
    )
    assert "urgency" in problem
    narrowed = {**item["properties"], "summary": {"type": "string", "pattern": "x"}}
    assert "pattern" in schema_problem(Task.MESSAGE, whole({**item, "properties": narrowed}))


def whole(item):
    properties = {"items": {"type": "array", "items": item}}
    return {**SCHEMAS[Task.MESSAGE], "properties": properties}
