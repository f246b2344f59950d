"""The AI settings: what is shown, saved, refused, written down; notices and the budget."""

import pytest
from django.urls import reverse

from analytics.analysis import budget
from analytics.analysis.choosing import choose
from analytics.analysis.settings import ai_settings
from analytics.models import AiBudget, AiNotice, AiSettings, AnalysisJob
from analytics.tests.providers.helpers import make_provider
from evosense.core.errors import Invalid
from evosense.core.schema import tenant_scope
from messaging.tests.factories import START, make_message
from tenancy.models import AuditEntry

pytestmark = pytest.mark.usefixtures("tenant")
URL = "/configuracoes/ia/"
WHOLE = {
    "engine": "embedded",
    "analyses_received": "on",
    "analyses_closed": "on",
    "takes_short_cut": "on",
    "redacts": "on",
    "experiments_share": "20",
    "conversations_share": "30",
}


def page(client, url=URL, status=200):
    response = client.get(url)
    assert response.status_code == status
    return response.content.decode()


def acts():
    return list(AuditEntry.objects.order_by("number").values_list("action", flat=True))


@pytest.fixture
def admin(client_for):
    return client_for("admin")


def notice(kind="budget_exhausted", subject="", **detail):
    subject = subject or f"{budget.this_month():%Y-%m}:all"
    return AiNotice.objects.create(kind=kind, subject=subject, detail=detail or {"part": "all"})


def test_only_who_manages_ai_sees_the_settings(client_for):
    for role, status in (("viewer", 403), ("agent", 403), ("supervisor", 403), ("admin", 200)):
        page(client_for(role), status=status)


def test_choices_are_saved_and_written_down(admin):
    assert admin.post(URL, {**WHOLE, "analyses_sent": "on"}).status_code == 302
    row = ai_settings()
    assert row.analyses_sent
    assert not row.analyses_groups
    assert acts()[-1] == "analysis.settings_changed"


def test_money_is_read_as_people_write_it_here(admin):
    form = {**WHOLE, "cost_limit": "1.250,50", "token_limit": "2.000.000"}
    assert admin.post(URL, form).status_code == 302
    row = ai_settings()
    assert (row.cost_limit_micros, row.token_limit) == (1_250_500_000, 2_000_000)
    assert "1.250,50" in page(admin)


@pytest.mark.parametrize(
    "wrong",
    [
        {"engine": "oracle"},
        {"engine": "provider"},
        {"engine": "provider", "provider_id": "01890000-0000-7000-8000-000000000000"},
        {"experiments_share": "101"},
        {"conversations_share": ""},
        {"token_limit": "-1"},
        {"cost_limit": "muito"},
    ],
)
def test_bad_choices_are_refused_and_nothing_is_saved(admin, wrong):
    response = admin.post(URL, {**WHOLE, **wrong})
    assert response.status_code == 422
    assert 'class="err"' in response.content.decode()
    assert not AiSettings.objects.exists()


def test_a_provider_that_may_be_asked_can_judge(admin):
    provider = make_provider("https://api.example.com/v1")
    form = {**WHOLE, "engine": "provider", "provider_id": str(provider.pk)}
    assert admin.post(URL, form).status_code == 302
    assert ai_settings().provider_id == provider.pk


def test_another_companys_provider_cannot_be_chosen(admin, other_tenant):
    with tenant_scope(other_tenant):
        foreign = make_provider("https://api.example.com/v1", name="Alheio")
    assert "Alheio" not in page(admin)
    form = {**WHOLE, "engine": "provider", "provider_id": str(foreign.pk)}
    assert admin.post(URL, form).status_code == 422


def test_redaction_goes_off_only_when_confirmed_and_the_audit_says_so(admin):
    open_form = {name: value for name, value in WHOLE.items() if name != "redacts"}
    assert admin.post(URL, open_form).status_code == 422
    assert ai_settings().redacts
    assert admin.post(URL, {**open_form, "confirms_sharing": "on"}).status_code == 302
    assert not ai_settings().redacts
    assert "analysis.redaction_off" in acts()
    admin.post(URL, WHOLE)
    assert acts()[-1] == "analysis.redaction_on"


def test_redaction_goes_off_only_for_who_proved_themselves_lately(admin):
    session = admin.session
    session["proved_at"] = 0
    session.save()
    open_form = {name: value for name, value in WHOLE.items() if name != "redacts"}
    sent = admin.post(URL, {**open_form, "confirms_sharing": "on"})
    assert sent.status_code == 302
    assert sent["Location"].startswith("/conta/confirmar/")
    assert ai_settings().redacts
    assert admin.post(URL, {**WHOLE, "analyses_sent": "on"})["Location"] == URL


def test_the_service_itself_demands_the_confirmation():
    with pytest.raises(Invalid) as refused:
        choose(redacts=False)
    assert (refused.value.code, refused.value.field) == ("confirmation_required", "redacts")


def test_a_raised_budget_ends_its_alarms_and_asks_again():
    choose(token_limit=1_000)
    assert budget.reserve(ai_settings(), "all", tokens=2_000, micros=0) is None
    message = make_message()
    AnalysisJob.objects.create(
        message=message,
        conversation_id=message.conversation_id,
        occurred_at=START,
        state="deferred",
        not_before="2099-01-01T00:00Z",
    )
    assert AiNotice.objects.filter(closed_at=None).count() == 1
    choose(token_limit=100_000)
    assert not AiNotice.objects.filter(closed_at=None).exists()
    assert AiBudget.objects.get(part="all").exhausted_at is None
    assert AnalysisJob.objects.get().not_before.year < 2099
    assert budget.reserve(ai_settings(), "all", tokens=2_000, micros=0) is not None


def test_a_budget_that_stays_used_up_keeps_its_alarm():
    choose(token_limit=1_000)
    budget.reserve(ai_settings(), "all", tokens=2_000, micros=0)
    AiBudget.objects.filter(part="all").update(used_tokens=1_000)
    choose(token_limit=900)
    assert AiNotice.objects.filter(closed_at=None, kind="budget_exhausted").exists()


def test_the_month_is_shown_as_bars(admin):
    choose(token_limit=1_000_000, cost_limit_micros=50_000_000)
    AiBudget.objects.create(
        month=budget.this_month(), part="all", used_tokens=912_345, used_micros=2_380_000
    )
    html = page(admin)
    assert "912.345" in html
    assert "R$ 2,38" in html
    assert 'aria-valuenow="91"' in html


def test_notices_are_listed_and_closed_once(admin):
    one = notice("provider_down", "x", name="Nuvem <b>", code="timed_out")
    html = page(admin)
    assert "Nuvem &lt;b&gt;" in html
    url = f"{URL}avisos/{one.pk}/fechar/"
    assert admin.post(url).status_code == 302
    one.refresh_from_db()
    assert one.closed_at
    assert one.seen_by
    assert url not in page(admin)
    assert admin.post(f"{URL}avisos/999999/fechar/").status_code == 404


def test_last_months_budget_is_no_news(admin):
    old = notice(subject="2020-01:all")
    assert f"avisos/{old.pk}/" not in page(admin)


@pytest.mark.parametrize("kind", AiNotice.Kind.values)
def test_every_kind_of_notice_has_words(admin, kind):
    subject = f"{budget.this_month():%Y-%m}:all"
    one = notice(kind, subject, part="all", recall=0.91, hits=7, more_than=5)
    assert f"avisos/{one.pk}/" in page(admin)


def test_admins_see_what_stops_analysis_on_the_overview(client_for):
    one = notice()
    assert f"avisos/{one.pk}/" in page(client_for("admin"), "/")
    assert f"avisos/{one.pk}/" not in page(client_for("agent"), "/")
    AiNotice.objects.update(kind="drift")
    assert f"avisos/{one.pk}/" not in page(client_for("admin"), "/")


def test_the_settings_are_in_the_index(admin):
    assert f'href="{URL}"' in page(admin, reverse("settings:index", "evosense.urls_tenant"))
