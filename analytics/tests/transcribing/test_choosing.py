"""Switching it on: who may, with which provider, what the pages and the API say of it."""

import pytest

from analytics.analysis.choosing import choose
from analytics.analysis.settings import ai_settings
from analytics.models import ModelCall, TranscriptionJob
from analytics.providers import keeping
from analytics.providers.models import Provider
from analytics.tests.providers.helpers import make_provider
from analytics.tests.transcribing.conftest import chosen
from evosense.core.errors import Conflict, Invalid
from evosense.core.schema import public_scope, tenant_scope
from messaging.tests.factories import make_message
from tenancy.models import AuditEntry

pytestmark = pytest.mark.usefixtures("tenant")
URL = "/configuracoes/ia/"
PROVIDERS = f"{URL}provedores/"
WHOLE = {"engine": "embedded", "redacts": "on", "experiments_share": "20"} | {
    "conversations_share": "30"
}


@pytest.fixture
def admin(client_for):
    return client_for("admin")


def failed(code: str) -> TranscriptionJob:
    return TranscriptionJob.objects.create(
        message=make_message(type="audio"), state="failed", error=code, attempts=3
    )


def test_it_is_off_and_the_page_says_that_sound_is_not_redacted(admin):
    html = admin.get(URL).content.decode()
    assert not ai_settings().transcribes
    assert 'name="transcribes"' in html
    assert 'name="transcribes" aria-labelledby="l-transcribes" checked' not in html


def test_a_provider_with_a_model_for_recordings_alone_can_be_chosen(admin, fake):
    made = keeping.create_provider(
        name="Ouvido", base_url=fake.base_url, transcription_model="hear-1"
    )
    assert str(made.pk) in admin.get(URL).content.decode()
    form = {**WHOLE, "provider_id": str(made.pk), "transcribes": "on"}
    assert admin.post(URL, form).status_code == 302
    assert ai_settings().transcribes
    entry = AuditEntry.objects.order_by("number").last()
    assert entry.action == "analysis.settings_changed"
    assert entry.changes["transcribes"] == [False, True]


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"transcribes": True}, "no_transcription_model", "transcribes"),
        ({"engine": "provider"}, "no_chat_model", "provider_id"),
    ],
)
def test_a_provider_without_the_model_is_refused(given, code, field):
    row = make_provider("https://api.example.com/v1", chat_model="")
    with pytest.raises(Invalid) as refused:
        choose(provider_id=row.pk, **given)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_without_a_provider_it_is_refused_beside_its_switch(admin):
    response = admin.post(URL, {**WHOLE, "transcribes": "on"})
    assert response.status_code == 422
    row = make_provider("https://api.example.com/v1")
    form = {**WHOLE, "provider_id": str(row.pk), "transcribes": "on"}
    response = admin.post(URL, form)
    assert response.status_code == 422
    html = response.content.decode()
    assert html.index('id="l-transcribes"') < html.index('class="err"')
    assert not ai_settings().transcribes


def test_a_provider_in_use_for_recordings_is_not_removed(fake):
    row = chosen(fake)
    with pytest.raises(Conflict):
        keeping.remove_provider(row.pk)


def test_a_change_of_the_settings_asks_again_what_it_may_mend(fake):
    chosen(fake)
    mended, stays = failed("no_price"), failed("too_large")
    choose(cost_limit_micros=5)
    mended.refresh_from_db()
    stays.refresh_from_db()
    assert (mended.state, mended.attempts, mended.error) == ("waiting", 0, "")
    assert stays.state == "failed"


def test_a_change_of_the_provider_asks_again(fake):
    row, job = chosen(fake), failed("not_found")
    keeping.update_provider(row.pk, transcription_model="hear-2")
    job.refresh_from_db()
    assert job.state == "waiting"
    assert Provider.objects.get(pk=row.pk).transcription_model == "hear-2"


def test_reasons_stand_on_the_settings_page(admin, fake):
    chosen(fake)
    for code in ("too_large", "too_large", "unauthorized"):
        failed(code)
    html = admin.get(URL).content.decode()
    assert "(2)" in html
    assert "25 MB" in html


def test_calls_without_a_known_cost_say_so(admin):
    ModelCall.objects.create(
        purpose="transcription",
        provider_id="01890000-0000-7000-8000-000000000000",
        provider_name="Som",
        model_requested="hear-1",
    )
    line = admin.get(f"{URL}uso/?por=purpose").content.decode().split("<tbody>")[1]
    assert "R$" not in line


def test_the_form_keeps_the_model(admin, fake):
    row = make_provider(fake.base_url, transcription_model="hear-1")
    page = admin.get(f"{PROVIDERS}{row.pk}/editar/").content.decode()
    assert 'value="hear-1"' in page
    sent = {"name": "Nuvem", "base_url": fake.base_url, "is_active": "on"}
    sent |= {"chat_model": "fake-1", "transcription_model": "hear-3"}
    assert admin.post(f"{PROVIDERS}{row.pk}/editar/", sent).status_code == 302
    row = Provider.objects.defer("api_key").get()
    assert row.transcription_model == "hear-3"
    assert "hear-3" in admin.get(f"{PROVIDERS}{row.pk}/").content.decode()


def test_another_companys_model_is_not_theirs(other_tenant, fake):
    with tenant_scope(other_tenant):
        foreign = make_provider(fake.base_url, transcription_model="hear-1")
    with pytest.raises(Invalid):
        choose(provider_id=foreign.pk, transcribes=True)
    with public_scope():
        assert Provider.objects.filter(pk=foreign.pk).exists()
