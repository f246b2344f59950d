"""One ranked list out of words and meaning, inside what somebody asked for and may see."""

from datetime import timedelta

import pytest

from analytics.models import EmbeddingModel
from analytics.search import engines, filling, jobs
from analytics.search.hits import hit_page
from analytics.search.service import Request, find, fuse
from analytics.search.spread import spread
from evosense.core.errors import Invalid
from evosense.core.schema import tenant_scope
from messaging.models import Message, MessageMedia
from messaging.selectors.matches import MatchFilter
from messaging.tests.factories import (
    START,
    make_connection,
    make_contact,
    make_conversation,
    make_message,
)

TEXTS = {
    "late": "Minha ENTREGA ainda não chegou, são nove dias",
    "demora": "que demora é essa, ninguém responde",
    "bill": "segunda via do boleto, por favor",
    "order": "o pedido 48.097 era para ontem",
    "plural": "preciso devolver dois cartões",
    "thanks": "adorei, obrigada!",
}


@pytest.fixture
def said(tenant, engine):
    found = {name: make_message(text=text) for name, text in TEXTS.items()}
    jobs.want_embeddings([one.pk for one in found.values()])
    filling.fill_queued()
    return found


def names(said, found):
    by_pk = {message.pk: name for name, message in said.items()}
    return [by_pk.get(pk, pk) for pk in found.pks]


def look(query, mode="combined", *, show_numbers=True, newest=False, **filters):
    request = Request(query, mode, MatchFilter(**filters), is_newest_first=newest)
    return find(request, show_numbers=show_numbers)


def test_words_fold_accents_and_plurals_and_any_of_them_counts(said):
    assert names(said, look("cartao", "words")) == ["plural"]
    assert names(said, look("entregas que nao chegaram no bairro", "words")) == ["late"]
    assert set(names(said, look("boleto entrega", "words"))) == {"bill", "late"}
    assert names(said, look("xyzzy", "words")) == []


@pytest.mark.parametrize("mode", ["words", "meaning", "combined"])
def test_an_emoji_is_found_as_it_stands(said, mode):
    older = make_message(text="péssimo 😡😡", occurred_at=START)
    newer = make_message(text="amei ❤️ o presente", occurred_at=START + timedelta(hours=1))
    assert look("😡", mode).pks[0] == older.pk
    assert look('"😡"', mode).pks[0] == older.pk
    assert look("❤", mode).pks[0] == look(" ❤️ ", mode).pks[0] == newer.pk
    page = hit_page(look("😡", mode), cursor=None, show_numbers=True)
    assert ("literal", "😡") in [(one.kind, one.text) for one in page.hits[0].reasons]
    assert older.pk not in look("😡", "words", since=START + timedelta(minutes=1)).pks


@pytest.mark.parametrize("text", ["?!", "...", '""', "- -"])
def test_signs_alone_are_refused_with_what_to_type(said, text):
    with pytest.raises(Invalid) as refusal:
        look(text)
    assert (refusal.value.field, refusal.value.code) == ("q", "empty_query")


def test_who_says_more_of_the_words_comes_first(said):
    said["both"] = make_message(text="boleto da entrega", occurred_at=START)
    assert names(said, look("boleto entrega", "words"))[0] == "both"


def test_voice_is_found_by_what_was_said_in_it(said):
    said["voice"] = voice = make_message(text="", type="audio")
    spoken = "quero cancelar as assinaturas, protocolo 48.291"
    MessageMedia.objects.create(message=voice, kind="audio", transcript=spoken)
    assert names(said, look("assinatura boleto", "words"))[:2] in (
        ["voice", "bill"],
        ["bill", "voice"],
    )
    assert names(said, look('"cancelar as assinaturas"', "words")) == ["voice"]
    assert names(said, look("48291", "words")) == ["voice"]
    assert names(said, look("assinatura", "words", direction="outbound")) == []
    assert "voice" not in names(said, look("boleto protocolo -cancelar", "words"))
    assert "voice" in names(said, look("boleto protocolo", "words"))


def test_a_phrase_and_a_minus_hold_strictly_in_every_mode(said):
    assert names(said, look('"segunda via"', "words")) == ["bill"]
    assert names(said, look('"via segunda"', "words")) == []
    for mode in ("words", "meaning", "combined"):
        assert "late" not in names(said, look("entrega demora -chegou", mode))
        assert "demora" in names(said, look("entrega demora -chegou", mode))


@pytest.mark.parametrize("written", ["48097", "48.097", "#48097"])
def test_a_number_is_found_literally_and_goes_first(said, written):
    said["other"] = make_message(text="pedido 148097 e 480970")
    found = look(f"entrega do pedido {written}")
    assert names(said, found)[0] == "order"
    assert said["other"].pk not in found.literal
    page = hit_page(found, cursor=None, show_numbers=True)
    assert [(one.kind, one.text) for one in page.hits[0].reasons if one.kind == "literal"]
    assert "48.097" in "".join(piece.text for piece in page.hits[0].pieces if piece.is_marked)


def test_an_address_and_an_id_are_found_literally(said):
    said["mail"] = make_message(text="mande para Ana.Lima@exemplo.com.br hoje")
    assert names(said, look("entrega ana.lima@exemplo.com.br"))[0] == "mail"
    assert names(said, look(said["bill"].provider_id, "words")) == ["bill"]
    assert names(said, look(str(said["bill"].public_id), "words")) == ["bill"]


def test_meaning_finds_what_no_word_does(said):
    found = look("minha entrega atrasou", "meaning")
    assert set(names(said, found)[:2]) == {"late", "demora"}
    page = hit_page(found, cursor=None, show_numbers=True)
    assert {one.label for one in page.hits[:2]} <= {"strong", "medium"}
    assert page.hits[-1].label == "weak"
    assert page.hits[0].reasons[0].kind == "meaning"


def test_combined_has_both_and_what_is_in_both_lists_leads(said):
    assert names(said, look("entrega atrasou"))[0] == "late"
    assert fuse([[1, 2, 3], [3, 4]])[0] == 3
    assert fuse([[5, 6], []]) == [5, 6]


def test_filters_narrow_every_mode(said):
    line = make_connection()
    ana = make_contact("Ana Figueira")
    talk = make_conversation(line, ana)
    message = make_message(
        talk,
        text="entrega atrasada de novo",
        occurred_at=START + timedelta(days=9),
        sentiment=-0.7,
        emotion="raiva",
        satisfaction=12,
        direction="outbound",
    )
    jobs.want_embeddings([message.pk])
    filling.fill_queued()
    narrow = [
        {"connection": line.public_id},
        {"conversation": talk.public_id},
        {"person": ana.public_id},
        {"who": "figueira"},
        {"since": START + timedelta(days=8)},
        {"direction": "outbound"},
        {"emotion": "raiva"},
        {"sentiment_max": -0.5},
        {"satisfaction_max": 20},
    ]
    for filters in narrow:
        for mode in ("words", "meaning", "combined"):
            assert look("entrega", mode, **filters).pks == [message.pk], (filters, mode)
    assert message.pk not in look("entrega", until=START + timedelta(days=8)).pks
    assert look("entrega", sentiment_min=-0.5).pks == []


def test_what_was_deleted_or_hidden_is_not_found(said):
    Message.objects.filter(pk=said["late"].pk).update(deleted_at=START)
    Message.objects.filter(pk=said["demora"].pk).update(is_hidden=True)
    for mode in ("words", "meaning", "combined"):
        assert not {"late", "demora"} & set(names(said, look("entrega demora", mode)))


def test_nobody_finds_out_whose_a_number_is_without_seeing_numbers(said):
    make_conversation(contact=make_contact("Bia", address="5511987654321"))
    with pytest.raises(Invalid) as refused:
        look("entrega", show_numbers=False, who="11987654321")
    assert refused.value.field == "who"
    page = hit_page(look("entrega"), cursor=None, show_numbers=False)
    assert all("jid" not in one.message.contact.jid for one in page.hits)
    assert all(not one.message.contact.jid for one in page.hits)


def test_pages_follow_each_other_and_go_on_when_a_hit_vanishes(said):
    for number in range(30):
        make_message(text=f"entrega numero {number}")
    found = look("entrega", "words")
    first = hit_page(found, cursor=None, limit=10, show_numbers=True)
    second = hit_page(found, cursor=first.next, limit=10, show_numbers=True)
    assert [one.message.pk for one in [*first.hits, *second.hits]] == found.pks[:20]
    assert second.first == 11
    Message.objects.filter(pk=first.hits[-1].message.pk).update(deleted_at=START)
    again = hit_page(look("entrega", "words"), cursor=first.next, limit=10, show_numbers=True)
    assert len(again.hits) == 10
    with pytest.raises(Invalid):
        hit_page(found, cursor="rubbish", show_numbers=True)


def test_newest_first_sorts_what_was_found(said):
    found = look("entrega boleto demora", newest=True)
    times = list(Message.objects.filter(pk__in=found.pks).order_by("-occurred_at"))
    assert found.pks == [one.pk for one in times]


def test_words_go_on_when_the_provider_of_the_space_does_not_answer(said, monkeypatch):
    def down(space, texts, **_within):
        raise engines.PlacingFailed("timeout")

    monkeypatch.setattr(engines, "place", down)
    for mode in ("meaning", "combined"):
        found = look("entrega atrasou agora", mode)
        assert names(said, found) == ["late"]
        assert found.unavailable == "timeout"


def test_before_anything_was_placed_words_are_searched(tenant, engine):
    message = make_message(text="entrega atrasada")
    found = look("entrega", "meaning")
    assert (found.pks, found.unavailable) == ([message.pk], "nothing_placed")


@pytest.mark.parametrize("query", ["", "   ", "-chegou", "?!", "a" * 501])
def test_a_query_that_says_nothing_is_refused_by_name(tenant, engine, query):
    with pytest.raises(Invalid) as refused:
        look(query)
    assert refused.value.field == "q"


STRANGE = [
    *("'; drop table x; --", "a & | ! b", "<b>x</b>:*", '"aberta', "\ud800 x", "%s %d", "-- x"),
    "ação " * 90,
]


@pytest.mark.parametrize("query", STRANGE)
def test_any_text_is_taken(said, query):
    assert look(query).mode == "combined"


def test_another_company_is_never_found(said, other_tenant):
    with tenant_scope(other_tenant):
        assert look("entrega").pks == []
        assert EmbeddingModel.objects.count() == 0


def test_marks_are_pieces_and_markup_of_a_stranger_stays_text(tenant, engine):
    make_message(text="<script>alert(1)</script> minha entrega, " + "x " * 300 + "fim")
    (hit,) = hit_page(look("entrega", "words"), cursor=None, show_numbers=True).hits
    assert [piece.text for piece in hit.pieces if piece.is_marked] == ["entrega"]
    assert "".join(piece.text for piece in hit.pieces).startswith("<script>")
    assert len("".join(piece.text for piece in hit.pieces)) < 300


def test_a_page_asks_the_same_number_of_questions_for_one_hit_and_for_many(said, count_queries):
    def cost():
        with count_queries() as seen:
            found = look("entrega boleto")
            hit_page(found, cursor=None, show_numbers=True)
            spread(found.pks)
        return len(seen)

    cost()
    few = cost()
    for number in range(15):
        make_message(text=f"entrega {number}")
    assert cost() == few


def test_the_word_index_serves_the_search(said):
    from django.db import connection

    from messaging.selectors import matches

    query = matches.words_query("entrega")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    rows = matches.visible().annotate(words=matches.TEXT_WORDS).filter(words=query)
    assert "messaging_message_folded_words" in rows.explain()


def test_the_spread_counts_days_connections_and_conversations(said):
    found = look("entrega boleto demora", "words")
    result = spread(found.pks)
    assert sum(step.hits for step in result.steps) == len(found.pks)
    assert sum(one.hits for one in result.where) == len(found.pks)
    assert result.conversations == len(found.pks)


@pytest.mark.parametrize("query", ["4471", "4471 nobody@else.example"])
def test_a_number_that_nobody_wrote_is_not_found_by_meaning(said, query):
    assert look(query).pks == []
    assert names(said, look("48097")) == ["order"]
    assert look("4471", "meaning").pks
    assert look("pedido 4471").pks


def test_a_quoted_phrase_that_nobody_wrote_says_so(said):
    missed = look('"quero o boleto"')
    assert missed.misses_phrase
    assert missed.pks
    assert not look('"segunda via"').misses_phrase
    assert not look("boleto").misses_phrase
