"""Words as people type them: without accents, with one form for the Portuguese plurals in -ões."""

from django.db.models import Func, TextField

# Next to the extension, so that a dump of one schema finds it again. `translate` costs less than
# the stemmer saves on plain letters, so folding adds nothing to the price of storing a message.
SQL = r"""
CREATE FUNCTION public.evosense_fold(t text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
SELECT regexp_replace(regexp_replace(
    translate(lower(normalize(t, NFC)),
        'áàâãäåéèêëíìîïóòôõöúùûüçñÁÀÂÃÄÅÉÈÊËÍÌÎÏÓÒÔÕÖÚÙÛÜÇÑ',
        'aaaaaaeeeeiiiiooooouuuucnaaaaaaeeeeiiiiooooouuuucn'),
    '[oa]es\M|aos\M', 'ao', 'g'), '([aeou])is\M', '\1l', 'g')
$$
"""
UNDO = "DROP FUNCTION public.evosense_fold(text)"


class Fold(Func):
    """`public.evosense_fold(text)`: lower case, no accents, cartões and cartão as one word."""

    function = "public.evosense_fold"
    arity = 1
    output_field = TextField()
