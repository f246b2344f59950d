"""What emoji say: a word for n-grams, words for the encoder, and a weight from -3 to 3."""

import re
from typing import NamedTuple


class Emoji(NamedTuple):
    """`weight` is 0 where the sign goes either way (a smile upside down, applause)."""

    word: str
    spoken: str
    weight: float


_TABLE = """
amor|amei ❤|2.2|❤ 💙 💚 💛 💜 🧡 🖤 🤍 💕 💖 💗 💓 💞 💘 💝 ♥ 😍 🥰 😘 😻 🫶 💋 😚 🤎 💟
alegre|feliz|1.6|😀 😃 😄 😁 😊 🙂 ☺ 😺 🤗 😉 😌 😇 🥳 🎉 🎊 ✨
alegre|feliz|1.6|🤩 😎 💃 🕺 🌟 ⭐ 🏆 🥇 😋 🤤 💪 🙌 🔥 💯 🚀 👌 🤙
alegre|feliz|1.6|🌹 🌸 🌻 💐 🍀
positivo|positivo|1.0|👍 ✅ ✔ 🤝 👊 ☑ 🆗
grato|obrigado|1.4|🙏 🤲
riso|kkk|0.5|😂 🤣 😆 😅 😹 😝 😜 🤪 😛
raiva|com raiva|-2.6|😡 🤬 😠 👿 💢 🖕 😤 😾 👹
triste|triste|-1.8|😢 😭 😞 😔 ☹ 🙁 😟 😥 😓 😿 💔 😪 😩 😫 😖 😣 🥺 😕 🥲 😦 😧
nojo|nojo|-2.2|🤢 🤮 💩 👎 🐛 🪳 ❌ 🤧 😷 🤒
medo|com medo|-1.2|😱 😨 😰 🆘 🚨 ⚠ 😬 🥶
tedio|aff|-1.4|🙄 😒 😑 😐 😏 🤦 🤷 😴 🥱 🫠 🫤
palmas|palmas|0|👏
ironico|ironia|-1|🙃
palhaco|palhaço|-2|🤡 🎪 🤥
pensa|hum|0|🤔 🤨 ❓ ❔ 👀 🤯 😳 😮 😲 😯
espera|esperando|-0.3|⏳ ⌛ ⏰ 🕐 💤 🐢
"""

EMOJI = {
    sign: Emoji(word, spoken, float(weight))
    for line in _TABLE.strip().splitlines()
    for word, spoken, weight, signs in [line.split("|")]
    for sign in signs.split()
}
EMOJI_PATTERN = re.compile("|".join(map(re.escape, sorted(EMOJI, key=len, reverse=True))))
