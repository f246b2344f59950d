import pytest

from analytics.providers.models import Provider
from analytics.tests.errands.helpers import do_waiting
from analytics.tests.providers.helpers import KEY, make_provider
from evosense.core.schema import public_scope, tenant_scope
from messaging.tests.api.conftest import api

__all__ = ["api"]
BODY = {"name": "nuvem", "base_url": "http://127.0.0.1:9/v1", "api_key": KEY, "chat_model": "m"}


def test_a_provider_is_kept_by_api_and_its_key_never_answered(api, fake):
    caller = api()
    made = caller.post("providers", {**BODY, "base_url": fake.base_url})
    assert made.status_code == 201
    number = made.json()["id"]
    assert made.json()["key_saved_at"]
    changed = caller.patch(f"providers/{number}", {"country": "Brasil"})
    asked = caller.post(f"providers/{number}/test")
    assert (asked.status_code, asked.json()["state"]) == (202, "waiting")
    do_waiting()
    tested = caller.get(f"analysis/requests/{asked.json()['id']}")
    listed = caller.get("providers")
    for one in (made, changed, tested, listed, caller.get(f"providers/{number}")):
        assert one.status_code in {200, 201}
        assert KEY not in one.content.decode()
    step = tested.json()["provider_test"]["steps"][0]
    assert (step["name"], step["error"]) == ("json_schema", "")
    assert listed.json()["results"][0]["country"] == "Brasil"
    assert caller.send("delete", f"providers/{number}").status_code == 204
    assert not Provider.objects.exists()


def test_prices_are_kept_by_api(api, fake):
    made = make_provider(fake.base_url)
    caller = api()
    body = {
        "model": "m", "valid_from": "2026-11-01", "input_price": "1.5", "output_price": "4.00",
    }  # fmt: skip
    price = caller.post(f"providers/{made.pk}/prices", body)
    assert price.status_code == 201
    listed = caller.get(f"providers/{made.pk}/prices").json()["results"]
    assert [one["input_price"] for one in listed] == ["1.5"]
    gone = caller.send("delete", f"providers/{made.pk}/prices/{price.json()['id']}")
    assert gone.status_code == 204


@pytest.mark.parametrize(
    ("over", "code"),
    [
        ({"base_url": "x"}, "invalid"),
        ({"chat_model": ""}, "model_required"),
        ({"nonsense": 1}, None),
        ({"requests_per_minute": 0}, None),
    ],
)
def test_bad_input_is_a_problem(api, over, code):
    answer = api().post("providers", {**BODY, **over})
    assert answer.status_code == 400
    assert answer["content-type"].startswith("application/problem+json")
    assert code is None or answer.json()["code"] == code


def test_a_key_that_may_only_read_or_judge_writes_nothing(api, fake):
    reader = api("analysis:read", "analysis:write")
    assert reader.get("providers").status_code == 200
    assert reader.post("providers", BODY).status_code == 403
    writer = api("providers:write")
    body = {**BODY, "base_url": fake.base_url}
    assert writer.post("providers", body).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        {"engine": "provider"},
        {"provider_id": None},
        {"redacts": False, "confirms_sharing": True},
        {"embeds_remotely": True},
        {"transcribes": True},
    ],
)
def test_who_is_asked_and_what_is_sent_need_a_scope_of_their_own(api, body):
    refused = api("analysis:write").patch("analysis/settings", body)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_required")
    assert "providers:write" in refused.json()["detail"]
    assert refused.json()["errors"][0]["field"] == next(iter(body))
    both = api("analysis:write", "providers:write").patch("analysis/settings", body)
    assert both.status_code in {200, 400}
    assert api("analysis:write").patch("analysis/settings", {"redacts": True}).status_code == 200


def test_others_are_not_there_and_the_house_s_not_touched(api, other_tenant, fake):
    with tenant_scope(other_tenant):
        theirs = make_provider(fake.base_url)
    with public_scope():
        house = make_provider(fake.base_url, name="Casa")
    caller = api()
    assert caller.get(f"providers/{theirs.pk}").status_code == 404
    assert caller.get(f"providers/{house.pk}").json()["base_url"] == ""
    assert caller.patch(f"providers/{house.pk}", {"name": "x"}).status_code == 404
    assert caller.post(f"providers/{house.pk}/test").status_code == 403
    assert caller.send("delete", f"providers/{house.pk}").status_code == 404
