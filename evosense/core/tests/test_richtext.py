import re
from html.parser import HTMLParser
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evosense.core import richtext

ALLOWED = {"b", "em", "del", "code", "pre", "a", "br", "blockquote", "span", "mark", "i", "wbr"}


class Tags(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.seen = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))


class Texts(Tags):
    def handle_starttag(self, tag, attrs):
        pass

    def handle_data(self, data):
        self.seen.append(data)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("*oi*", "<b>oi</b>"),
        ("_oi_ ~não~", "<em>oi</em> <del>não</del>"),
        ("2*3*4 e um_nome_de_arquivo", "2*3*4 e um_nome_de_arquivo"),
        ("a * solto * b", "a * solto * b"),
        ("*a\n> b*", "*a<br><blockquote>b*</blockquote>"),
        ("*duas\nlinhas*", "*duas<br>linhas*"),
        ("`a*b*c`", "<code>a*b*c</code>"),
        ("```x\n<y>```", "<pre>x\n&lt;y&gt;</pre>"),
        ("> disse\nsim", "<blockquote>disse</blockquote>sim"),
        ("- um\n- dois", "<span>• um</span><br><span>• dois</span>"),
        ("1. um", "1. um"),
        ("<script>", "&lt;script&gt;"),
    ],
)
def test_whatsapp_marks_become_html(written, shown):
    assert richtext.to_html(written) == shown


def test_a_link_ends_before_the_full_stop():
    (tag,) = [
        tag for tag in Tags(richtext.to_html("Veja https://a.b/c?d=1&e=2.")).seen if tag[0] == "a"
    ]
    assert tag[1]["href"] == "https://a.b/c?d=1&e=2"
    assert "noopener" in tag[1]["rel"]


def test_only_web_addresses_become_links():
    assert "<a" not in richtext.to_html("javascript:alert(1) data:text/html,x")


@given(st.text(alphabet=st.sampled_from("*_~`> -<>&\"'/\x00\n:htpsabc1."), max_size=80))
def test_no_text_brings_its_own_markup(text):
    for html in (richtext.to_html(text), richtext.mark(text, "a <"), richtext.json_to_html(text)):
        assert {tag for tag, _attrs in Tags(html).seen} <= ALLOWED
        assert all(set(attrs) <= {"href", "target", "rel"} for _tag, attrs in Tags(html).seen)


def test_a_list_shows_one_plain_line():
    assert richtext.to_line("*oi*\n\n_tudo_  bem?") == "oi tudo bem?"


def test_a_search_is_marked_whatever_the_accents():
    assert richtext.mark("Sérgio & Cia", "sergio") == "<mark>Sérgio</mark> &amp; Cia"
    assert richtext.mark("abc", "") == "abc"


def test_json_tells_keys_from_texts():
    html = richtext.json_to_html({"a<": ["x", 1, None]})
    assert "<b>&quot;a&lt;&quot;</b>" in html
    assert "<i>&quot;x&quot;</i>" in html
    assert "null" in html


@pytest.mark.parametrize(
    "written", ["A" * 65000, "&" * 1000, f"https://a.b/{'c' * 900}", f"`{'<' * 400}`", "🔥" * 400]
)
def test_an_endless_word_may_break_and_stays_itself(written):
    html = richtext.to_html(written)
    assert ("<wbr>" in html) == written.isascii()
    assert max(map(len, re.split("<wbr>|<[^>]*>", html))) <= 80 * len("&amp;")
    assert "".join(Texts(html).seen) == written.strip("`")


@pytest.mark.parametrize(
    "piece", ["*a ", "a* ", "*a*b ", "_a", "~a ", "`a", "```a", "https://.", "> *"]
)
def test_hostile_marks_cost_no_more_than_their_length(piece):
    began = process_time()
    for write in (richtext.to_html, richtext.to_line):
        write(piece * (65000 // len(piece)))
    assert process_time() - began < 1.5
