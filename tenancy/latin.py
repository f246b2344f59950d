# ruff: noqa: RUF001
"""Names of any alphabet in letters that fit an address."""

import re
import unicodedata

# Greek and Cyrillic as they are usually written in Latin letters; accents fall away by themselves.
_LETTERS = """
α=a β=v γ=g δ=d ε=e ζ=z η=i θ=th ι=i κ=k λ=l μ=m ν=n ξ=x ο=o π=p ρ=r σ=s ς=s τ=t υ=y φ=f χ=ch
ψ=ps ω=o а=a б=b в=v г=g д=d е=e ё=e ж=zh з=z и=i й=i к=k л=l м=m н=n о=o п=p р=r с=s т=t у=u
ф=f х=kh ц=ts ч=ch ш=sh щ=sch ъ= ы=y ь= э=e ю=yu я=ya ґ=g є=ye і=i ї=yi ђ=dj ј=j љ=lj њ=nj ћ=c
џ=dz ß=ss æ=ae œ=oe ø=o ł=l đ=d ð=d þ=th \u0131=i
"""
_LATIN = dict(pair.split("=") for pair in _LETTERS.split()) | {"&": " e "}


def to_latin(text: str) -> str:
    """Write `text` with a to z, digits and single hyphens; letters of unknown alphabets go."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    written = "".join(_LATIN.get(letter, letter) for letter in plain).replace(".", "")
    base = unicodedata.normalize("NFKD", written)
    base = "".join(
        _LATIN.get(letter, letter) for letter in base if not unicodedata.combining(letter)
    )
    return re.sub(r"[^a-z0-9]+", "-", base).strip("-")
