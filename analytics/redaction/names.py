"""Names that we know, however they are typed: without accents, in capitals, first names alone."""

import re
import unicodedata
from collections.abc import Iterable

from analytics.redaction.finders import Finder, by_pattern

# More are no conversation; a pattern of many alternatives costs each text.
MOST_NAMES = 60
_SHORTEST = 3
_LETTERS = {
    "a": "aáàâãä", "c": "cç", "e": "eéèêë", "i": "iíìîï", "n": "nñ", "o": "oóòôõö", "u": "uúùûü",
}  # fmt: skip
# WhatsApp names are often those of shops, and greetings; these words mean nobody.
_COMMON = (
    "das dos del van von para com por que uma loja lojas casa vendas venda suporte atendimento "
    "atendente cliente clientes central empresa grupo equipe comercial financeiro delivery "
    "pizzaria restaurante mercado farmacia oficina auto moda modas store shop bar salao "
    "studio clinica bom boa dia tarde noite amor deus jesus vida sol lua paz luz flor rosa mae pai "
    "filho filha brasil ltda eireli mei oficial novo nova whatsapp contato pedido entrega"
)
# Nor do words of praise and blame: who calls themselves "Péssimo" must not blank it out of a text
# that is judged by it. Not those that people are called by.
_OPINIONS = (
    "amei amo adorei adoro perfeito perfeita maravilha maravilhoso maravilhosa excelente "
    "sensacional incrivel fantastico fantastica espetacular impecavel otimo otima top nota "
    "parabens show feliz satisfeito satisfeita recomendo gostei gosto boas bons bacana legal "
    "massa rapido rapida gentil melhor obrigado obrigada valeu grato grata alivio resolvido "
    "resolvida resolveu certo beleza demora demorou demorado demorada atraso atrasado atrasada "
    "atrasou dificil complicado chato chata caro cara estranho lento lenta frio fria velho "
    "velha problema problemas erro errado errada falha falhou quebrado quebrada quebrou defeito "
    "sujo suja faltando faltou sumiu perdido perdida travou caiu parou vazio mofado nojo "
    "nojento reclamar reclamacao cancelar cancela cancelado ruim ruins decepcao decepcionado "
    "decepcionada descaso desrespeito absurdo vergonha ridiculo fraco fraca piada palhacada "
    "enganado mentira indignado revoltado cansado grosso grossa grosseria raiva odio odeio "
    "odiei lamentavel inaceitavel pessimo pessima horrivel lixo terrivel golpe golpista roubo "
    "ladrao safado incompetente idiota palhaco porcaria droga inferno processo procon advogado "
    "fraude pior piores detesto nao nunca sem mais menos muito muita pouco sim good bad great "
    "best worst terrible awful horrible scam love hate perfect excellent bueno buena malo mala "
    "mejor peor"
)
_WORDS = frozenset(_COMMON.split()) | frozenset(_OPINIONS.split())


def name_finder(names: Iterable[str]) -> list[Finder]:
    """Return the search for `names` and for each of their parts; [] when there is none."""
    wanted: set[str] = set()
    for name in list(names)[:MOST_NAMES]:
        parts = re.findall(r"[^\W\d_]+", _folded(name))
        whole = [part for part in parts if len(part) >= _SHORTEST and part not in _WORDS]
        wanted.update(whole)
        if len(parts) > 1 and whole:
            wanted.add(" ".join(parts))
    if not wanted:
        return []
    # The longest first: a whole name is one placeholder, not two.
    choices = "|".join(_spelled(name) for name in sorted(wanted, key=lambda one: (-len(one), one)))
    return [Finder("NOME", by_pattern(re.compile(rf"(?<!\w)(?:{choices})(?!\w)", re.IGNORECASE)))]


def _folded(name: str) -> str:
    plain = unicodedata.normalize("NFD", name.casefold())
    return "".join(sign for sign in plain if not unicodedata.combining(sign))[:200]


def _spelled(name: str) -> str:
    signs = (f"[{_LETTERS[sign]}]" if sign in _LETTERS else re.escape(sign) for sign in name)
    return "".join(signs).replace(r"\ ", r"\s{1,3}")
