"""The search page: with and without script, its states, and what it must not show."""

import pytest
from django.core.cache import cache

from analytics.models import AiNotice, SavedSearch
from analytics.search import engines, filling, jobs
from messaging.tests.factories import make_contact, make_conversation, make_message

URL = "/busca/"


@pytest.fixture
def said(tenant, engine):
    talk = make_conversation(contact=make_contact("Marlene Figueira", address="5511988887777"))
    found = [
        make_message(talk, text="minha entrega atrasou", sentiment=-0.8, confidence=0.9),
        make_message(text="segunda via do boleto <b>já</b>"),
    ]
    jobs.want_embeddings([one.pk for one in found])
    filling.fill_queued()
    return found


def get(client, **params):
    return client.get(URL, params)


def test_a_hit_shows_why_and_opens_the_thread_at_the_message(said, client_for):
    page = get(client_for("agent"), q="entrega atrasada")
    body = page.content.decode()
    assert page.status_code == 200
    assert "<mark>entrega</mark>" in body.replace(" atrasou", "").replace(
        "<mark>entrega atrasou</mark>", "<mark>entrega</mark>"
    )
    assert "Marlene Figueira" in body
    assert f"?mensagem={said[0].public_id}#m-{said[0].public_id}" in body
    thread = client_for("agent").get(
        f"/conversas/{said[0].conversation.public_id}/?mensagem={said[0].public_id}"
    )
    assert "minha entrega atrasou" in thread.content.decode()


def test_markup_of_a_stranger_stays_text(said, client_for):
    body = get(client_for("agent"), q="boleto").content.decode()
    assert "<b>já</b>" not in body
    assert "&lt;b&gt;já&lt;/b&gt;" in body


@pytest.mark.parametrize(
    "filters",
    [
        {"quem": "Zzzninguem"},
        {"quem": "5500000000000"},
        {"conexao": "01a2009a-441f-7830-8680-bcc59825f014"},
        {"conversa": "01a2009a-441f-7830-8680-bcc59825f014"},
    ],
)
@pytest.mark.parametrize("mode", ["words", "meaning", "combined"])
def test_a_filter_that_fits_nobody_finds_nothing(said, client_for, filters, mode):
    page = get(client_for("agent"), q="entrega", modo=mode, **filters)
    assert page.status_code == 200
    assert "minha entrega" not in page.content.decode()


def test_htmx_gets_the_results_alone_and_further_rows_alone(said, client_for):
    for number in range(30):
        make_message(text=f"boleto número {number}")
    client = client_for("agent")
    part = client.get(URL, {"q": "boleto", "modo": "words"}, headers={"HX-Request": "true"})
    body = part.content.decode()
    assert 'id="results"' in body
    assert "<html" not in body
    (more,) = {line.split('"')[0] for line in body.split('hx-get="')[1:] if "cursor=" in line}
    rows = client.get(more.replace("&amp;", "&"), headers={"HX-Request": "true"})
    assert 'id="results"' not in rows.content.decode()
    assert rows.content.decode().count("data-item") == 11
    plain = client.get(more.replace("&amp;", "&"))
    assert "<html" in plain.content.decode()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("modo", "magia", "“Como buscar”"),
        ("conexao", "x", "“Conexão”"),
        ("desde", "ontem", "“Período”"),
        ("ate", "9999-12-31", "“Período”"),
        ("emocao", "tédio", "“Emoção”"),
        ("sentimento", "-1", "“Sentimento”"),
        ("satisfacao_min", "101", "de 0 a 100"),
        ("direcao", "both", "“Direção”"),
        ("ordem", "up", "“Ordem”"),
        ("cursor", "rubbish", ""),
    ],
)
def test_a_filter_that_makes_no_sense_is_named_as_the_page_calls_it(
    said, client_for, name, value, words
):
    page = get(client_for("agent"), q="entrega", **{name: value})
    assert page.status_code == 422
    assert words in page.content.decode()


def test_a_period_that_ends_before_it_begins_says_so(said, client_for):
    page = get(client_for("agent"), q="entrega", desde="2026-11-20", ate="2026-11-01")
    assert page.status_code == 422
    assert "O período termina antes de começar." in page.content.decode()


def test_a_thread_leads_to_the_search_in_it(said, client_for):
    client, talk = client_for("agent"), said[0].conversation
    thread = client.get(f"/conversas/{talk.public_id}/").content.decode()
    assert f'href="/busca/?conversa={talk.public_id}"' in thread
    page = get(client, q="entrega", conversa=talk.public_id).content.decode()
    assert "Na conversa com Marlene Figueira" in page
    assert "Na conversa com Marlene" not in get(client, q="entrega").content.decode()


def test_empty_nothing_found_and_too_long_have_their_words(said, client_for):
    client = client_for("agent")
    assert "data-item" not in get(client).content.decode()
    nothing = get(client, q="xyzzy", modo="words").content.decode()
    assert "data-item" not in nothing
    assert get(client, q="a" * 600).status_code == 422
    assert get(client, q="?!").status_code == 422


def test_filters_become_chips_that_can_be_taken_away(said, client_for):
    line = said[0].connection
    page = get(client_for("agent"), q="entrega", conexao=line.public_id, sentimento="negative")
    body = page.content.decode()
    assert line.name in body
    assert "/busca/?q=entrega&amp;conexao=" in body
    assert body.count("data-item") == 1


def test_whoever_may_not_see_numbers_neither_sees_nor_searches_one(said, client_for):
    make_message(make_conversation(contact=make_contact(address="5511977776666")), text="entrega")
    body = get(client_for("viewer"), q="entrega").content.decode()
    assert "97777-6666" not in body
    refused = get(client_for("viewer"), q="entrega", quem="977776666")
    assert refused.status_code == 422
    assert get(client_for("agent"), q="entrega", quem="11977776666").status_code == 200


def test_a_provider_that_does_not_answer_is_told_and_words_are_shown(said, client_for, monkeypatch):
    def down(space, texts, **_within):
        raise engines.PlacingFailed("timeout")

    cache.clear()
    monkeypatch.setattr(engines, "place", down)
    body = get(client_for("agent"), q="entrega nova").content.decode()
    assert "data-item" in body
    assert "banner" in body


def test_a_search_is_kept_opened_and_removed_by_its_owner_only(said, client_for):
    client = client_for("agent")
    form = {"q": "entrega", "modo": "words", "nome": "Atrasos", "aviso": "3"}
    assert client.post("/busca/salvas/", form).status_code == 302
    row = SavedSearch.objects.get()
    assert (row.name, row.alert_from, row.query) == (
        "Atrasos",
        3,
        {"q": "entrega", "modo": "words"},
    )
    again = client.post("/busca/salvas/", form)
    assert again.status_code == 422
    assert 'aria-invalid="true"' in again.content.decode()
    opened = client.get(f"/busca/salvas/{row.public_id}/")
    assert opened.url == "/busca/?q=entrega&modo=words"
    stranger = client_for("agent")
    assert stranger.get(f"/busca/salvas/{row.public_id}/").status_code == 404
    assert stranger.post(f"/busca/salvas/{row.public_id}/remover/").status_code == 404
    AiNotice.objects.create(
        kind="saved_search",
        subject=str(row.public_id),
        detail={"hits": 9, "day": "2026-11-20", "more_than": 3},
    )
    assert "20/11" in get(client, q="entrega").content.decode()
    assert client.post(f"/busca/salvas/{row.public_id}/remover/").status_code == 302
    assert not SavedSearch.objects.exists()
    assert not AiNotice.objects.filter(closed_at=None).exists()


@pytest.mark.parametrize("changed", [{"nome": " "}, {"aviso": "-1"}, {"q": ""}, {"modo": "x"}])
def test_a_search_that_cannot_be_kept_comes_back_with_the_reason(said, client_for, changed):
    form = {"q": "entrega", "nome": "Atrasos", "aviso": "", **changed}
    assert client_for("agent").post("/busca/salvas/", form).status_code == 422
    assert not SavedSearch.objects.exists()


def test_the_page_asks_the_same_number_of_questions_for_few_and_many(
    said, client_for, count_queries
):
    client = client_for("agent")
    get(client, q="boleto")

    def cost():
        with count_queries() as seen:
            get(client, q="boleto")
        return len(seen)

    few = cost()
    for number in range(15):
        make_message(text=f"boleto {number}")
    assert cost() == few


def test_every_topic_of_the_engine_has_a_word_for_people():
    from importlib.resources import files

    from analytics.search.topics import TOPICS

    lines = (files("analytics.embedded") / "data" / "concepts.txt").read_text("utf-8").splitlines()
    names = {line.split(":")[0].strip() for line in lines if line.strip() and line[0] != "#"}
    assert names <= set(TOPICS)
