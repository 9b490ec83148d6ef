"""Makes the fixtures of the embedding tests anew, from the tokeniser and the float32 model that ours must equal.

    pip install -r Scripts/model-build/requirements.txt -r Scripts/model-build/requirements-fixtures.txt
    python Scripts/model-build/convert.py --float32 model.safetensors float32.onnx
    python Tests/Fixtures/Embedding/generate.py MODEL_FOLDER float32.onnx

`tokens.jsonl`: {"text", "ids"} for at least 500 strings. `vectors.jsonl`: {"text", "vector"}, the vector as 384 float16, little-endian, in base64.
"""

import base64
import json
import pathlib
import random
import sys
import unicodedata

import numpy as np
import onnxruntime
from tokenizers import BertWordPieceTokenizer

from sentences import SENTENCES

HERE = pathlib.Path(__file__).parent

PLAIN = [
    "", " ", "\t\n\r", "a", "Hello, World!", "don't stop", "e-mail me at a.b+c@example.org!!!", "https://example.org/a_b?c=d&e=%20f#g",
    "C:\\Users\\me\\file.txt", "`code` and ```fenced\ncode```", "x == y && z != w || !v", "price: $1,234.56 (approx. €1.100,00)", "100%", "½ + ¼ = ¾",
    "snake_case camelCase PascalCase kebab-case", "1st 2nd 3rd 4th", "2024-02-29T12:34:56Z", "3.14159", "1e-9", "0xDEADBEEF", "#hashtag @mention",
    "[CLS] [SEP] [UNK] [MASK] [PAD]", "[cls]", "##ing", "a" * 99, "a" * 100, "a" * 101, "b" * 250, "antidisestablishmentarianism",
    "pneumonoultramicroscopicsilicovolcanoconiosis", "word " * 60, "...", "!?!?", "(((a)))", "a--b", "a—b–c‒d", "“quoted” ‘single’ «guillemets» „low“",
    "café", "cafe\u0301", "CAFÉ", "naïve façade coöperate", "Ångström ÅNGSTRÖM", "Zürich ZÜRICH", "Straße STRASSE ẞ", "İstanbul Iğdır ısı", "ŒUVRE œuvre Æsir",
    "fi ﬂ ﬃ ﬅ", "ǅ ǈ ǋ", "ⅷ Ⅷ ⓐ Ⓐ ① ２", "ＦＵＬＬ　ｗｉｄｔｈ", "ﾊﾝｶｸ ｶﾅ", "한국어 조선말 ㄱㄴ", "日本語のテキスト", "中文字符测试", "漢字かな混じり文。", "𠮷野家 𪚥",
    "привет МИР Ёлка ё", "Ελληνικά ΆΈΉΊΌΎΏ ς Σ", "עברית נִקּוּד", "العربية مُحَمَّد لا", "فارسی گفتگو", "हिन्दी नमस्ते क्षत्रिय", "বাংলা", "தமிழ்", "ไทย ภาษา", "ລາວ", "မြန်မာ",
    "ქართული ᲥᲐᲠᲗᲣᲚᲘ", "Հայերեն", "ᏣᎳᎩ", "ᚠᚢᚦᚨᚱᚲ", "Tiếng Việt Ệ ồ ữ", "Łódź ŁÓDŹ", "ðþ ÐÞ", "đ Đ ħ Ħ", "ø Ø å Å",
    "😀", "😀😃😄", "👩‍👩‍👧‍👦 family", "🇩🇪🇫🇷", "👍🏽", "❤️ ❤", "☃ ☂ ☕", "→ ← ↑ ↓ ⇒", "∀x ∈ ℝ: x² ≥ 0", "√2 ≈ 1.414", "∑ ∫ ∂ ∇", "© ® ™ ° § ¶ † ‡ •", "♠♥♦♣",
    "zero\u200bwidth\u200cnon\u200djoin\ufeffer", "soft\u00adhyphen", "nbsp\u00a0here", "line\u2028sep\u2029para", "em\u2003space thin\u2009space ideographic\u3000space",
    "\u0000nul", "bell\u0007", "esc\u001b[31mred", "del\u007f", "nel\u0085x", "c1\u0090x", "vt\u000bff\u000cx", "\ufffd replacement", "private \ue000 use", "tag \U000e0041",
    "unassigned \u0378 x", "combining a\u0300\u0301\u0302", "\u0301leading mark", "enclosing a\u20dd", "spacing mark क\u093e", "ZWJ क्\u200dष", "a\u034fb", "x\u180ey",
    "Å Å Å", "ﬁnancial ﬀ", "Ⓗⓔⓛⓛⓞ", "ʰ ʲ ⁿ ₂", "ᴬᴮ ᵃᵇ", "𝐇𝐞𝐥𝐥𝐨 𝕎𝕠𝕣𝕝𝕕", "𐐀𐐨 Deseret", "𞤀𞤢 Adlam", "Ꭰꭰ", "ꙮ", "ﷺ", "﷽", "‽ ⁇ ⸮ ⸘", "〈〉《》「」『』【】", "、。，！？；：", "・ ー 〜 ～", "٪ ، ؛ ؟", "। ॥", "᠀ ᠁", "܀", "՝ ՞", "¡ ¿", "‚ ‛ ‟", "_ ‿ ⁀ ﹏",
    "+ < > = | ~ ^ `", "¬ ± × ÷", "\u1680 ogham space", "\u202f narrow", "\u205f math", "\u2060 joiner", "\u2061 fn", "\u061c alm", "\u2066isolate\u2069",
]


def random_strings(count, seed=20):
    chooser = random.Random(seed)
    blocks = [
        (0x20, 0x7E), (0xA0, 0x17F), (0x180, 0x24F), (0x370, 0x3FF), (0x400, 0x4FF), (0x590, 0x6FF), (0x900, 0x97F), (0xE00, 0xE7F), (0x1E00, 0x1FFF),
        (0x2000, 0x2BFF), (0x3000, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xF900, 0xFAFF), (0xFE00, 0xFFEF), (0x1F300, 0x1F6FF), (0x1D400, 0x1D7FF),
        (0x300, 0x36F), (0x0, 0x1F),
    ]
    for _ in range(count):
        pieces = []
        for _ in range(chooser.randint(1, 6)):
            low, high = chooser.choice(blocks)
            # Only scalars that were assigned before Unicode 13, on which every table in use agrees.
            word = "".join(chr(chooser.randint(low, high)) for _ in range(chooser.randint(1, 8)))
            pieces.append("".join(c for c in word if unicodedata.category(c) not in ("Cn", "Cs")))
        yield " ".join(pieces)


def main(folder, float32):
    tokenizer = BertWordPieceTokenizer(str(pathlib.Path(folder) / "vocab.txt"), lowercase=True)
    texts = list(dict.fromkeys(PLAIN + SENTENCES + list(random_strings(300))))
    with open(HERE / "tokens.jsonl", "w", encoding="utf-8") as file:
        for text in texts:
            file.write(json.dumps({"text": text, "ids": tokenizer.encode(text).ids}) + "\n")
    session = onnxruntime.InferenceSession(float32)
    with open(HERE / "vectors.jsonl", "w", encoding="utf-8") as file:
        for text in SENTENCES[:200]:
            ids = np.array([tokenizer.encode(text).ids], np.int64)
            vector = session.run(["embedding"], {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0]
            file.write(json.dumps({"text": text, "vector": base64.b64encode(vector.astype("<f2").tobytes()).decode()}) + "\n")
    print(len(texts), "strings,", len(SENTENCES[:200]), "vectors")


if __name__ == "__main__":
    main(*sys.argv[1:])
