import gettext
import textwrap

import pytest

from evosense.core import catalogue
from evosense.core.catalogue import Text, texts_in_python, texts_in_template


@pytest.fixture
def project(tmp_path):
    (tmp_path / "app" / "templates").mkdir(parents=True)
    (tmp_path / "app" / "views.py").write_text(
        textwrap.dedent("""
        _("Open")
        ngettext("%(n)d message", "%(n)d messages", n)
        pgettext("month", "May")
        """)
    )
    (tmp_path / "app" / "templates" / "page.html").write_text("{% translate 'Closed' %}")
    return tmp_path


@pytest.fixture
def locale_dir(project):
    return project / "locale"


def translate(locale_dir, **texts):
    po, _ = catalogue.paths(locale_dir)
    content = po.read_text()
    for source, target in texts.items():
        content = content.replace(
            f'msgid "{source}"\nmsgstr ""', f'msgid "{source}"\nmsgstr "{target}"'
        )
    content = content.replace('msgstr[0] ""', 'msgstr[0] "%(n)d mensagem"')
    po.write_text(content.replace('msgstr[1] ""', 'msgstr[1] "%(n)d mensagens"'))


def complete(project, locale_dir):
    catalogue.sync(project, locale_dir)
    translate(locale_dir, Open="Aberto", Closed="Fechado", May="Maio")
    return catalogue.sync(project, locale_dir)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('_("a" "b")', Text("ab")),
        ('translation.gettext_lazy("x")', Text("x")),
        ('ngettext_lazy("one", "many", "n")', Text("one", "many")),
        ('pgettext_lazy("c", "x")', Text("x", context="c")),
        ('npgettext("c", "one", "many", 3)', Text("one", "many", "c")),
    ],
)
def test_python_calls(source, expected):
    assert list(texts_in_python(source)) == [expected]


def test_variables_and_f_strings_are_not_texts():
    assert list(texts_in_python('_(name); _(f"x {y}"); ngettext("a", b, 2); other("x")')) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{% translate 'It is (so) \"it\"' %}", Text('It is (so) "it"')),
        ('{% trans "Don\'t" as x %}', Text("Don't")),
        ('{% translate "May" context "month" %}', Text("May", context="month")),
        ("{% blocktranslate %}Hi {{ name }}!{% endblocktranslate %}", Text("Hi %(name)s!")),
        (
            "{% blocktranslate trimmed %}\n  two\n  lines\n{% endblocktranslate %}",
            Text("two lines"),
        ),
        (
            "{% blocktranslate count n=total %}one{% plural %}{{ n }} many{% endblocktranslate %}",
            Text("one", "%(n)s many"),
        ),
        (
            '{% blocktranslate context "c" %}50% off{% endblocktranslate %}',
            Text("50%% off", context="c"),
        ),
        ('{{ _("Direct") }}', Text("Direct")),
        ('{{ x|default:_("None") }}', Text("None")),
        ('{% icon "clock" label=_("Later") %}', Text("Later")),
        ("<c-button label=\"{% translate 'Send' %}\" />", Text("Send")),
        ("<c-button :label=\"_('Send now')\" />", Text("Send now")),
    ],
)
def test_template_forms(source, expected):
    markup = f'<p class="it\'s">\n   text (\n{source}\n      </p> gettext( _('
    assert list(texts_in_template(markup)) == [expected]


def test_a_plain_attribute_is_not_a_text():
    assert list(texts_in_template('<c-x :n="3" onclick="_(1)" title="_(\'x\')">')) == []


def test_a_complete_catalogue_passes_and_translates(project, locale_dir):
    report = complete(project, locale_dir)
    assert report.problems == []
    assert report.total == 4
    with catalogue.paths(locale_dir)[1].open("rb") as handle:
        compiled = gettext.GNUTranslations(handle)
    assert compiled.gettext("Open") == "Aberto"
    assert compiled.pgettext("month", "May") == "Maio"
    assert compiled.ngettext("%(n)d message", "%(n)d messages", 2) == "%(n)d mensagens"


def test_a_repeated_sync_changes_no_byte(project, locale_dir):
    complete(project, locale_dir)
    before = [path.read_bytes() for path in catalogue.paths(locale_dir)]
    catalogue.sync(project, locale_dir)
    assert [path.read_bytes() for path in catalogue.paths(locale_dir)] == before


def test_a_missing_translation_is_named(project, locale_dir):
    catalogue.sync(project, locale_dir)
    assert "not translated: 'Open'" in catalogue.check(project, locale_dir).problems


def test_a_new_text_is_named(project, locale_dir):
    complete(project, locale_dir)
    (project / "app" / "more.py").write_text('_("New")')
    assert catalogue.check(project, locale_dir).problems == ["not in the catalogue: 'New'"]


def test_an_obsolete_text_is_named_and_then_dropped(project, locale_dir):
    complete(project, locale_dir)
    (project / "app" / "templates" / "page.html").write_text("")
    assert catalogue.check(project, locale_dir).problems == ["obsolete: 'Closed'"]
    assert catalogue.sync(project, locale_dir).problems == []


def test_a_fuzzy_text_and_a_stale_binary_are_named(project, locale_dir):
    complete(project, locale_dir)
    po, _ = catalogue.paths(locale_dir)
    po.write_text(po.read_text().replace('msgid "Open"', '#, fuzzy\nmsgid "Open"'))
    problems = catalogue.check(project, locale_dir).problems
    assert problems == ["fuzzy: 'Open'", "django.mo is older than django.po"]


def test_a_lost_placeholder_is_named(project, locale_dir):
    complete(project, locale_dir)
    po, _ = catalogue.paths(locale_dir)
    po.write_text(po.read_text().replace("%(n)d mensagens", "%(x)d mensagens"))
    problems = catalogue.sync(project, locale_dir).problems
    assert len(problems) == 1
    assert "%(n)d message" in problems[0]
