"""Reads `written/`: blocks of near questions, worded several ways by hand, and draws pairs of them.

    for x=city y=city                            (only where the block has slots: each takes another member of a list in `lists.txt` or `lexicon/entities.txt`)
    How do I get from <x> to <y>? | the way {to/into} <y> from <x>
    role: How do I get from <y> to <x>? | ...
    ask: How far is it from <x> to <y>? | ...

Blocks are parted by empty lines. A line is one question, its wordings parted by ` | `: any two of them are the same. Any two lines of a block are
different; the word before a line, one of `KINDS`, says in what it differs from the first. `{a/b}` is either a or b. `<x>` is what the slot x holds,
`<x.1>` its second field; where two wordings of one line hold other members, they are different too. Beside lists a slot may be numbers, `n=2..60`, or
one of the lists that are made here: clock, date, duration.
"""

import hashlib
import itertools
import random
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

WRITTEN = Path(__file__).parent / "written"
ENTITIES = Path(__file__).parent / "lexicon/entities.txt"
KINDS = {
    "ask": "another kind of question: how many, which, who, when, where, why, whether",
    "task": "another thing to do: define, compare, translate, summarise, list, count, explain, write",
    "role": "who does what to whom, from where to where, changed about",
    "compare": "more or less, best or worst, cheapest or fastest",
    "scope": "only, all, any, except, at least",
    "modal": "can, must, should, will, did",
    "negation": "not, never, without",
    "opposite": "enable or disable, buy or sell",
    "plus": "one constraint more or less",
    "entity": "another name",
    "number": "another number or amount",
    "unit": "another unit",
    "version": "another version, model or edition",
    "object": "another object in the same sentence",
    "property": "another property of the same thing",
    "cause": "a cause for an effect, a sign for a cure",
    "person": "I, my employer, my child",
    "time": "before, after, until, since, another time",
}
ONES = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen").split()
TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()
MONTHS = "January February March April May June July August September October November December".split()
# What people put around a question without asking anything by it; {} is the question.
AROUND = ["Hi, {}", "Hello team! {}", "Quick question: {}", "{} Thanks in advance!", "{} Asking for a friend.", "I have a question. {}",
          "One more thing: {}", "{} I couldn't find it on the site.", "Sorry if this was asked before: {}", "Good evening, {}",
          "I've been wondering: {}", "{} Any help is welcome.", "Could you answer this for me? {}", "ok so {}", "Hey, {} cheers",
          "{} Please be brief.", "Not sure if you can help, but {}", "My question is this: {}", "{} Kind regards", "please help: {}", "{} thx",
          "{} I'm new here.", "Just curious, {}", "Let me ask you something: {}", "{} That's all I need to know.", "Dear Sir or Madam, {}",
          "{} Hope you can help me.", "Maybe a silly question, but {}", "{} Thank you very much.", "Here's my question: {}",
          "Need some advice: {}", "{} I'd be grateful for an answer.", "Hiya! {}", "{} TIA", "Question: {}", "I'd like some information. {}"]
SLOT = re.compile(r"<(\w+)(?:\.(\d))?>")
CHOICE = re.compile(r"\{([^{}]*)\}")
APART = 0.1


def share(name):
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 2**32


def is_apart(name):
    """Whether a block or a clause belongs to the development set, never to training."""
    return share("written:" + name) < APART


def in_words(n):
    return ONES[n] if n < 20 else TENS[n // 10] + ("-" + ONES[n % 10] if n % 10 else "") if n < 100 else str(n)


def ordinal(n):
    return f"{n}{'th' if 10 < n % 100 < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(n % 10, 'th')}"


def clocks():
    for hour in range(24):
        part = "in the morning" if hour < 12 else "in the afternoon" if hour < 18 else "in the evening" if hour < 22 else "at night"
        on12 = (hour - 1) % 12 + 1
        half = "am" if hour < 12 else "pm"
        if hour not in (0, 12):
            yield [f"{on12}{half}", f"{on12} {half}", f"{hour:02}:00", f"{in_words(on12)} {part}", f"{on12} o'clock {part}"]
            yield [f"{on12}:30{half}", f"{hour:02}:30", f"half past {in_words(on12)} {part}"]
        else:
            yield ["midnight", "12am", "00:00"] if hour == 0 else ["noon", "12pm", "midday"]


def dates():
    for m, month in enumerate(MONTHS, 1):
        for day in (1, 2, 3, 5, 7, 9, 11, 12, 13, 15, 16, 19, 21, 22, 24, 28, 30):
            if (m, day) != (2, 30):
                yield [f"{day} {month}", f"{month} {day}", f"{month} {ordinal(day)}", f"the {ordinal(day)} of {month}"] + ([f"{day} {month[:3]}"] if m != 5 else [])


def durations():
    special = {(1, "week"): ["a week", "one week", "7 days", "seven days"], (2, "week"): ["two weeks", "a fortnight", "14 days", "2 weeks"],
               (1, "year"): ["a year", "one year", "12 months", "twelve months"], (6, "month"): ["six months", "half a year", "6 months"],
               (24, "hour"): ["24 hours", "twenty-four hours", "a day", "one day"], (1, "hour"): ["an hour", "one hour", "60 minutes"],
               (30, "minute"): ["half an hour", "30 minutes", "thirty minutes"], (3, "month"): ["three months", "3 months", "a quarter of a year"],
               (18, "month"): ["18 months", "a year and a half", "eighteen months"], (48, "hour"): ["48 hours", "two days", "2 days"],
               (90, "minute"): ["90 minutes", "an hour and a half", "one and a half hours"], (15, "minute"): ["15 minutes", "a quarter of an hour", "fifteen minutes"]}
    yield from special.values()
    for unit, counts in {"minute": (5, 10, 20, 40, 45, 50), "hour": (2, 3, 4, 5, 6, 8, 10, 12, 36), "day": (3, 4, 5, 6, 10, 28, 30, 45, 90), "week": (3, 4, 6, 8, 10, 12),
                         "month": (2, 4, 5, 8, 9, 10), "year": (2, 3, 4, 5, 7, 10, 15, 20, 25, 30)}.items():
        yield from ([f"{n} {unit}s", f"{in_words(n)} {unit}s"] for n in counts)


def named_lists(paths):
    """Lists by name; a member is a list of fields, a field a list of its names."""
    found = {"clock": [[names] for names in clocks()], "date": [[names] for names in dates()], "duration": [[names] for names in durations()]}
    for path in paths:
        for line in path.read_text().splitlines():
            if line.strip() and not line.startswith("#"):
                name, members = line.split(": ", 1)
                found[name.strip()] = [[[w.strip() for w in f.split(" = ")] for f in m.split(" ; ")] for m in members.split(" | ")]
    return found


@dataclass
class Line:
    kind: str
    wordings: list


@dataclass
class Block:
    domain: str
    place: str
    slots: dict = field(default_factory=dict)
    lines: list = field(default_factory=list)

    @property
    def name(self):
        return self.lines[0].wordings[0]


def read_blocks(folder=WRITTEN):
    blocks = []
    for path in sorted(folder.glob("*.txt")):
        if path.name in ("lists.txt", "clauses.txt"):
            continue
        block = None
        for number, text in enumerate([*path.read_text().splitlines(), ""], 1):
            text = text.strip()
            if text.startswith("#"):
                continue
            if not text:
                block = None
                continue
            if block is None:
                block = Block(path.stem, f"{path.name}:{number}")
                blocks.append(block)
                if text.startswith("for ") and re.fullmatch(r"for( \w+=[\w.]+)+", text):
                    block.slots = dict(part.split("=") for part in text.split(" ")[1:])
                    continue
            kind, _, rest = text.partition(": ")
            if kind not in KINDS:
                kind, rest = "", text
            block.lines.append(Line(kind, [w.strip() for w in rest.split(" | ")]))
    return blocks


def chosen(r, wording):
    """The wording with one alternative taken at each choice."""
    return re.sub(r"\s+", " ", CHOICE.sub(lambda m: r.choice(m[1].split("/")), wording)).strip()


def expansions(wording, most=64):
    parts = CHOICE.split(wording)
    options = [p.split("/") if i % 2 else [p] for i, p in enumerate(parts)]
    return [re.sub(r"\s+", " ", "".join(x)).strip() for x in itertools.islice(itertools.product(*options), most)]


def slots_of(wording):
    return {m[1] for m in SLOT.finditer(wording)}


def article(text):
    """"a" before a vowel, and "an" before none, where a slot was filled in (marked by \x01)."""
    text = re.sub(r"\b([Aa])n? \x01(?=[aeiouAEIO])(?!uni|use|usu|eu|one)", r"\1n ", text)
    text = re.sub(r"\b([Aa])n \x01", r"\1 ", text)
    return text.replace("\x01", "")


class Written:
    """Draws texts and pairs of blocks."""

    def __init__(self, blocks=None, lists=None):
        self.lists = lists or named_lists([ENTITIES, WRITTEN / "lists.txt"])
        blocks = read_blocks() if blocks is None else blocks
        self.train, self.apart = [b for b in blocks if not is_apart(b.name)], [b for b in blocks if is_apart(b.name)]

    def groups(self):
        """The lines for training that have several wordings and no slots, each as a list of wordings without choices."""
        r = random.Random(7)
        lines = (l for b in self.train if not b.slots for l in b.lines if len(l.wordings) > 1)
        return [[chosen(r, w) for w in l.wordings] for l in lines]

    def members(self, source):
        if ".." in source:
            low, high = map(int, source.split(".."))
            return [[[str(n), in_words(n)] if n < 100 else [str(n)]] for n in range(low, high + 1)]
        return self.lists[source]

    def values(self, r, block):
        found = {}
        for slot, source in block.slots.items():
            taken = [found[s] for s in found if block.slots[s] == source]
            found[slot] = r.choice([m for m in self.members(source) if m not in taken])
        return found

    def text(self, r, wording, values):
        def put(m):
            names = values[m[1]][int(m[2] or 0)]
            return "\x01" + (names[0] if r.random() < 0.6 else r.choice(names))

        made = article(SLOT.sub(put, chosen(r, wording)))
        return made[0].upper() + made[1:] if wording[0] in "<{" and r.random() < 0.5 else made

    def same(self, r, block):
        values = self.values(r, block)
        lines = [l for l in block.lines if len(l.wordings) > 1 or "{" in l.wordings[0] or "<" in l.wordings[0]]
        line = r.choices(lines, [min(len(l.wordings), 6) ** 1.5 for l in lines])[0]
        a, b = r.sample(line.wordings, 2) if len(line.wordings) > 1 else line.wordings * 2
        return self.text(r, a, values), self.text(r, b, values)

    def different(self, r, block):
        """Two texts that one answer does not serve, and the kind of difference."""
        values = self.values(r, block)
        swaps = bool(block.slots) and (len(block.lines) == 1 or r.random() < 0.4)
        if swaps:
            line = r.choice(block.lines)
            slot = r.choice(sorted(slots_of(line.wordings[0])) or [""])
            if slot:
                source = block.slots[slot]
                taken = [v for s, v in values.items() if block.slots[s] == source]
                others = [m for m in self.members(source) if m not in taken]
                if not others:
                    return None
                kind = "number" if ".." in source else "time" if source in ("clock", "date", "duration") else "entity"
                a = r.choice(line.wordings)
                b = a if r.random() < 0.5 else r.choice(line.wordings)
                choice_seed = r.random()
                texts = []
                for wording, held in ((a, values), (b, {**values, slot: r.choice(others)})):
                    r2 = random.Random(choice_seed) if a == b else r
                    texts.append(self.text(r2, wording, held))
                return *texts, kind
        if len(block.lines) < 2:
            return None
        i, j = sorted(r.sample(range(len(block.lines)), 2)) if r.random() < 0.4 else (0, r.randrange(1, len(block.lines)))
        one, two = block.lines[i], block.lines[j]
        kind = two.kind if i == 0 or one.kind == two.kind else "near"
        # Wordings that stand at one place are often worded alike: the pairs that differ in little.
        at = r.randrange(min(len(one.wordings), len(two.wordings))) if r.random() < 0.45 else None
        a, b = (r.choice(one.wordings), r.choice(two.wordings)) if at is None else (one.wordings[at], two.wordings[at])
        return self.text(r, a, values), self.text(r, b, values), kind or "near"

    def pairs(self, r, count, blocks=None, edits=None, same=0.46, other=0.05):
        """`count` pairs; `edits` gives the surface of real typing, on either side and for either label."""
        blocks = self.train if blocks is None else blocks
        weights = [len(b.lines) * (3 if b.slots else 1) for b in blocks]
        made = 0
        while made < count:
            block = r.choices(blocks, weights)[0]
            roll = r.random()
            if roll < same:
                a, b, y, kind = *self.same(r, block), 1, "same"
            elif roll < same + other:
                far = r.choices(blocks, weights)[0]
                if far.domain == block.domain:
                    continue
                texts = [self.text(r, r.choice(r.choice(x.lines).wordings), self.values(r, x)) for x in (block, far)]
                a, b, y, kind = *texts, 0, "other"
            else:
                found = self.different(r, block)
                if not found:
                    continue
                a, b, kind = found
                y = 0
            if plain(a) == plain(b):
                continue
            if edits:
                a, b = typed(r, a, edits), typed(r, b, edits)
            made += 1
            yield {"a": a, "b": b, "y": y, "source": "written " + kind, "domain": block.domain}


def plain(text):
    return re.sub(r"[\s?.!,]+", " ", text.lower()).strip()


def typed(r, text, edits):
    """Now and then what typing does to a text: case, marks, greetings, typos, contractions."""
    roll = r.random()
    if roll < 0.12:
        return edits.surface(r, text) or text
    if roll < 0.2:
        return edits.typo(r, text) or text
    if roll < 0.24:
        return edits.contraction(r, text) or text
    if roll < 0.32:
        return text.lower().rstrip("?.!")
    if roll < 0.38:
        around = r.choice(AROUND)
        # A question without its mark gets one before another sentence begins.
        inner = text if re.match(r"I\b|[A-Z]{2}", text) or not around.startswith(("{", "Hi,")) and r.random() < 0.5 else text[0].lower() + text[1:]
        inner = text if around.startswith("{") else inner
        return around.format(inner if text[-1] in "?.!" or around.endswith("{}") else inner + ("?" if r.random() < 0.5 else "."))
    return text


def counts(blocks):
    """Lines and pairs by domain and kind, without what slots and typing add."""
    lines, pairs = Counter(), Counter()
    for b in blocks:
        sizes = [sum(len(expansions(w)) for w in l.wordings) for l in b.lines]
        lines[b.domain] += len(b.lines)
        pairs["same"] += sum(n * (n - 1) // 2 for n in sizes)
        for i, j in itertools.combinations(range(len(sizes)), 2):
            kind = b.lines[j].kind if i == 0 or b.lines[i].kind == b.lines[j].kind else "near"
            pairs[kind] += sizes[i] * sizes[j]
    return lines, pairs
