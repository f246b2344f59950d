from analytics.providers.answers import said_in
from analytics.providers.embeddings import _model_in
from analytics.providers.plain import plain


def test_names_of_servers_hold_no_control_characters_and_fit():
    assert plain("a\x00b\x1b[31m\x7f\u202ec d", 120) == "ab[31mc d"
    assert plain("ç" * 5_000, 120) == "ç" * 120
    assert [plain(one, 9) for one in (None, 3, ["a"], b"a")] == [""] * 4


def test_answers_and_vectors_tell_plain_names():
    choice = {"message": {"content": "{}"}, "finish_reason": "content\x00_filter" + "x" * 90}
    said = said_in({"choices": [choice], "model": "m\x00\n" + "o" * 300})
    assert said.finish_reason == ("content_filter" + "x" * 90)[:40]
    assert said.model == "m" + "o" * 119
    assert _model_in({"model": "m\x00" + "o" * 300}) == "m" + "o" * 119
