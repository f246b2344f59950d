"""Reading chat text: one spelling for what people write in many ways."""

import re
import unicodedata
from functools import lru_cache

from analytics.embedded.emoji import EMOJI, EMOJI_PATTERN

# Longer texts add time, not meaning; the end decides, so both ends are kept.
LONGEST = 1200

_SHORT = """
voce: vc ce
voces: vcs ces
tambem: tb tbm tbem tmb
porque: pq pqe porq
que: q
qualquer: qq
o_que: oq oque
nao: n naum num ñ
hoje: hj
amanha: amh amnh
ontem: ontm
obrigada: obg obgd obgda obrigado brigado brigada brigadao obrigadao obrigadaa
valeu: vlw vlww vaaleu flw
por_favor: pfv pf pfvr pls plz
beleza: blz blza
muito: mto mt mtu muitooo mtoo
muita: mta
muitos: mts mtos
muitas: mtas
tudo: td tdo
todos: tds
todas: tdas
esta: ta
estao: tao
estou: to tou
estava: tava
estavam: tavam
estamos_juntos: tmj
para: pra pro pras pros p
e: eh
com: c cm
comigo: cmg
contigo: ctg
mensagem: msg
mensagens: msgs
depois: dps dpois
quando: qdo qnd qndo
quanto: qto qnt qnto
quantos: qnts
quem: qm
adicionar: add
aqui: aki
fim_de_semana: fds
minutos: min mins
hora: hr
horas: hrs
verdade: vdd
saudades: sdds
beijos: bjs bjos
beijo: bj bjo bjoo
abracos: abs
abraco: abc abç
atende: atd atnd
pagamento: pgto pgt
celular: cel
telefone: tel
endereco: end
de_novo: dnv dnovo
sei_la: sla
ninguem: ngm
alguem: alg algm
nada: nd
meu_deus: mds meudeus
palavrao: pqp fdp vsf vtnc krl crl caraio carai caralho porra merda bosta cacete
so_que_nao: sqn
loucura: slk
ta_ligado: tlgd
bom_dia: bd bdia
boa_tarde: bt btarde
boa_noite: bn
sim: ss sss
ok: okk okay oks
whatsapp: zap whats wpp zapzap
delicia: dlc
gente: gnt
moleque: mlk
nossa: nss
cade: kd
entao: ent
vamos: vamo bora
fazer: fzr
faz: fz
ja: jah
ne: neh
quero: qro
demais: dmais
tranquilo: tranks
"""

ABBREVIATIONS = {
    short: meaning
    for line in _SHORT.strip().splitlines()
    for meaning, shorts in [line.split(": ")]
    for short in shorts.split()
}

_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff\u00ad]")
_SKIN = re.compile("[\U0001f3fb-\U0001f3ff]")
_LAUGHTER = re.compile(r"\b(?:k{3,}|(?:k{1,2}a?){3,}|(?:rs){1,}|(?:ha|he|hua|hau|ah){2,}h?|kk+)\b")
_REPEATED = re.compile(r"([a-z])\1{2,}")
_URL = re.compile(r"(?:https?://|www\.)\S+")
_MAIL = re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.]+\b")
_NUMBER = re.compile(r"\d+(?:[.,/:\-]\d+)*")
_TOKEN = re.compile(r"<\w+>|[a-z_]+|[!?]+|\.{2,}|[.,;:]")
_SPACE = re.compile(r"\s+")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|\n+")
_TURN = re.compile(r"\b(?:mas|porem|so que|entretanto|contudo|todavia|pero|sin embargo|but)\b")


def clean(text: str) -> str:
    """Return the text composed (NFC), without invisible marks, cut in the middle if very long."""
    text = unicodedata.normalize("NFC", text)
    text = _SKIN.sub("", _INVISIBLE.sub("", text))
    text = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs"})
    text = text.strip()
    if len(text) > LONGEST:
        return f"{text[: LONGEST // 3]} … {text[-LONGEST * 2 // 3 :]}"
    return text


def fold(text: str) -> str:
    """Return lower case letters without accents."""
    split = unicodedata.normalize("NFD", text.lower())
    return "".join(c for c in split if not unicodedata.combining(c))


@lru_cache(maxsize=4096)
def normal(text: str) -> str:
    """Return folded text: abbreviations spelled out; numbers, laughter, emoji as marks."""
    text = fold(clean(text))
    text = _MAIL.sub(" <mail> ", _URL.sub(" <url> ", text))
    text = EMOJI_PATTERN.sub(lambda m: f" <e_{EMOJI[m.group()].word}> ", text)
    text = _LAUGHTER.sub(" <riso> ", text)
    text = _REPEATED.sub(r"\1", text)
    text = _NUMBER.sub(lambda m: " <n> " if len(m.group()) < 5 else " <nn> ", text)
    return _SPACE.sub(" ", text).strip()


@lru_cache(maxsize=4096)
def tokens(text: str) -> tuple[str, ...]:
    """Return the words and marks of `text` in one spelling."""
    found = _TOKEN.findall(normal(text))
    return tuple(ABBREVIATIONS.get(token, token) for token in found)


def spelled(text: str) -> str:
    """Return the text for the sentence encoder: accents kept, abbreviations and emoji in words."""
    text = _URL.sub(" link ", clean(text))
    text = EMOJI_PATTERN.sub(lambda m: f" {EMOJI[m.group()].spoken} ", text)
    words = [_spell(word) for word in text.split()]
    return " ".join(words)


_EDGE = re.compile(r"^(\W*)(.*?)(\W*)$", re.DOTALL)
_SPOKEN = {
    "nao": "não", "voce": "você", "voces": "vocês", "tambem": "também", "esta": "está",
    "estao": "estão", "ninguem": "ninguém", "alguem": "alguém", "ja": "já", "ate": "até",
    "amanha": "amanhã", "palavrao": "porra", "entao": "então", "e": "é", "ne": "né",
    "cade": "cadê",
}  # fmt: skip


def _spell(word: str) -> str:
    match = _EDGE.match(word)
    if match is None:
        return word
    before, core, after = match.groups()
    if _LAUGHTER.fullmatch(fold(core)):
        return f"{before}kkk{after}"
    plain = _REPEATED.sub(r"\1", fold(core))
    meaning = ABBREVIATIONS.get(plain)
    if meaning is not None and meaning != plain:
        return f"{before}{_SPOKEN.get(meaning, meaning.replace('_', ' '))}{after}"
    if plain in _SPOKEN and plain not in {"e", "esta"}:
        return f"{before}{_SPOKEN[plain]}{after}"
    core = re.sub(r"([^\W\d_])\1{2,}", r"\1", core)
    return before + (core.lower() if core.isupper() and len(core) > 1 else core) + after


def last_part(text: str) -> str:
    """Return what follows the last "mas" or, without one, the last sentence; may be all of it."""
    folded = fold(text)
    if len(folded) == len(text):
        turns = [m.end() for m in _TURN.finditer(folded)]
        if turns and len(text) - turns[-1] > 5:
            return text[turns[-1] :].strip()
    parts = [part for part in _SENTENCE.split(text) if len(part.strip()) > 4]
    return parts[-1].strip() if parts else text
