"""Reading what is written so that patterns and people miss it: foreign letters, digits, gaps."""

import base64
import binascii
import re
import unicodedata

# Letters of other scripts that look like Latin ones.
_ALIKE = dict(
    zip(
        "аеорсухівԁһјԛѕԝкмнтАВЕКМНОРСТУХІЈЅαορνικτυχωεΑΒΕΖΗΙΚΜΝΟΡΤΥΧıɑɡ",
        "aeopcyxibdhjqswkmhtABEKMHOPCTYXIJSaopviktuxweABEZHIKMNOPTYXiag",
        strict=True,
    )
)
_DIGITS = str.maketrans("013457@$", "oieastas")
_WORD = re.compile(r"\w+")
_LATIN = re.compile(r"[a-zA-Z]")
# A word of digits and letters, with a digit where a letter belongs: "1gn0r3", not "iphone13".
_LEET = re.compile(
    r"(?<![\w.,=:/@-])(?=[\w@$]*[a-zA-Z])(?=[\w@$]{3})[\w@$]*[013457@$][a-zA-Z][\w@$]*"
)
# Letters one by one: at least seven, so that "P É S S I M O" is read as well.
SPACED = re.compile(r"(?<!\w)(?:[^\W\d_](?:[ .\-_*·]|  +)){6,}[^\W\d_](?!\w)")
_CODED = re.compile(r"(?<![\w+/=])[A-Za-z0-9+/]{16,}={0,2}(?![\w+/=])")


def latin(text: str) -> str:
    """Return the text with look-alike and fancy letters as Latin ones; the length stays."""
    if text.isascii():
        return text
    plain = "".join(map(_one, text))
    return _WORD.sub(_of_one_script, plain)


def _one(letter: str) -> str:
    composed = unicodedata.normalize("NFKC", letter) if letter.isalnum() else letter
    return composed if len(composed) == 1 and letter not in "ªº²³¹" else letter


def _of_one_script(match: re.Match[str]) -> str:
    word = match.group()
    if word.isascii() or not (_LATIN.search(word) or all(c in _ALIKE for c in word)):
        return word
    return "".join(_ALIKE.get(c, c) for c in word)


def letters(text: str) -> str:
    """Return the text with digits that stand for letters as those; the length stays."""
    return _LEET.sub(lambda match: match.group().translate(_DIGITS), text)


def revealed(text: str) -> str:
    """Return what the text says, undisguised; the length may change."""
    text = SPACED.sub(_together, _CODED.sub(_decoded, text))
    return letters(latin(text))


def _together(match: re.Match[str]) -> str:
    words = re.split(r" {2,}|(?<=[^\W\d_])[ ][|/][ ]", match.group())
    return " ".join(re.sub(r"[\W_]", "", word) for word in words)


def _decoded(match: re.Match[str]) -> str:
    code = match.group()
    try:
        said = base64.b64decode(code + "=" * (-len(code) % 4), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return code
    fine = sum(c.isalpha() or c in " .,:;=\"'{}()!?0123456789-_" for c in said)
    return said if said.isprintable() and fine >= 0.95 * len(said) else code
