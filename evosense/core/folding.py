"""Words as people type them: without accents, with one form for plurals such as cartões."""

from django.db.models import Func, TextField

# One `replace` costs half a microsecond; `translate`, `normalize` and patterns cost up to a hundred
# times that, and each stored message pays for it: only what Portuguese needs. WhatsApp composes
# its letters, so marks that stand alone are left.
_LETTERS = [*zip("ãçáéíóêõâôú", "acaeioeoaou", strict=True)]
# Both sides of a search are folded alike, so it does no harm inside of other words.
_PLURALS = [("oes", "ao")]


def _folded(expression: str) -> str:
    for old, new in [*_LETTERS, *_PLURALS]:
        expression = f"replace({expression}, '{old}', '{new}')"
    # animais, papeis, azuis; not mais, dois, pois.
    return rf"regexp_replace({expression}, '(\w\w[aeou])is\M', '\1l', 'g')"


# Next to the extension, so that a dump of one schema finds it again.
SQL = f"""
CREATE FUNCTION public.evosense_fold(t text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
SELECT {_folded('lower(t COLLATE "pg_c_utf8")')}
$$
"""
UNDO = "DROP FUNCTION public.evosense_fold(text)"


class Fold(Func):
    """`public.evosense_fold(text)`: lower case, no accents, cartões and cartão as one word."""

    function = "public.evosense_fold"
    arity = 1
    output_field = TextField()
