"""Questions made from meanings: an action on an object, narrowed down, asked in one of many ways; or a relation of a thing.

Two wordings drawn for one meaning are a safe rewording, whatever words they share. Two meanings that differ in one part are a trap, whether the rest is
worded alike ("minimal") or afresh ("reworded"). All randomness comes from the `random.Random` that is passed in.
"""

import re
from pathlib import Path

LEXICON = Path(__file__).parent / "lexicon"
VOWELS = "aeiou"
DOUBLED = {"get", "set", "put", "cut", "stop", "drop", "swap", "log", "ship", "plan", "cancel", "submit", "transfer", "refer", "top", "zip", "let", "quit",
           "begin", "run", "hit", "sublet", "stop", "prefer", "shop", "bar", "unbar", "opt", "dig", "pop", "resit", "tag", "chip", "trim", "sit", "wrap"}
DOUBLED -= {"opt"}
MASS = {"cover", "insurance", "overtime", "damp", "broadband", "data", "roaming", "breakfast", "brunch", "moss", "ivy", "lavender", "basil", "rosemary",
        "bamboo", "leave", "overdraft", "mould", "maintenance", "parking", "access", "bonus", "naturalisation", "citizenship", "physio", "physiotherapy",
        "tax", "working", "hours", "fuel", "tenancy", "forwarding", "diversion", "wine", "furniture", "wifi", "assistance", "coursework", "grass",
        "benefit", "JSON", "XML", "credit", "accommodation", "housing", "space", "antivirus", "loo"}
# Types whose answers overlap: never made into a trap of one another.
NEAR_TYPES = [{"how", "can", "request", "where", "who", "eligible", "documents"}, {"cost", "fee"}, {"who", "phone"}, {"can", "risk", "must", "fee"},
              {"when", "duration"}, {"why", "whatif"}, {"did", "request", "can"}, {"often", "can"}, {"whynot", "can"}, {"hownot", "whatif"}]
ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen",
        "sixteen", "seventeen", "eighteen", "nineteen"]
TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
AMOUNTS = {
    "days": ["within {} days", "in {} days", "for {} days", "after {} days", "at most {} days in advance", "{} days ago"],
    "weeks": ["within {} weeks", "for {} weeks", "after {} weeks", "{} weeks ago"],
    "months": ["for {} months", "after {} months", "within {} months"],
    "years": ["for {} years", "after {} years", "with {} years of experience"],
    "hours": ["within {} hours", "for {} hours", "{} hours before", "with {} hours' notice"],
    "minutes": ["in {} minutes", "for {} minutes"],
    "people": ["for {} people", "with {} people", "for a group of {}"],
    "users": ["for {} users", "with {} users"],
    "pounds": ["for under £{}", "for over £{}", "for orders over £{}", "if I earn £{}", "for £{}"],
    "dollars": ["for under ${}", "for more than ${}", "for ${}"],
    "age": ["for a {}-year-old", "if I'm {}", "at age {}", "for someone aged {}"],
    "size": ["of {} GB", "over {} MB", "with {} GB of memory"],
    "weight": ["of {} kg", "over {} kg"],
    "percent": ["by {}%", "of {}%", "at {}% interest"],
    "clock": ["at {}am", "at {}pm", "before {}am", "after {}pm", "until {}pm"],
}
SAME_AMOUNT = {("days", 7): ["a week", "one week", "7 days", "seven days"], ("days", 14): ["two weeks", "14 days", "fourteen days", "a fortnight"],
               ("months", 12): ["a year", "one year", "12 months", "twelve months"], ("hours", 24): ["24 hours", "a day", "one day"],
               ("months", 6): ["6 months", "six months", "half a year"], ("hours", 48): ["48 hours", "two days", "2 days"],
               ("days", 1): ["a day", "one day", "1 day"], ("minutes", 60): ["an hour", "one hour", "60 minutes"], ("minutes", 30): ["half an hour", "30 minutes"],
               ("years", 1): ["a year", "one year", "12 months"], ("months", 3): ["3 months", "three months", "a quarter of a year"],
               ("months", 18): ["18 months", "a year and a half", "eighteen months"], ("days", 21): ["21 days", "three weeks", "3 weeks"]}


def in_words(n):
    if n < 20:
        return ONES[n]
    if n < 100:
        return TENS[n // 10] + ("-" + ONES[n % 10] if n % 10 else "")
    if n < 1000:
        return in_words(n // 100) + " hundred" + (" and " + in_words(n % 100) if n % 100 else "")
    return str(n)


def entries(text):
    return [[w.strip() for w in entry.split(" = ")] for entry in text.split(" | ")]


def sections(name):
    found, current = {}, None
    for line in (LEXICON / name).read_text().splitlines():
        line = line.strip()
        if line.startswith("["):
            current = found.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            current.append(line)
    return found


def lists(name):
    lines = (line.strip() for line in (LEXICON / name).read_text().splitlines())
    return {k.strip(): entries(v.strip()) for k, v in (line.split(": ", 1) for line in lines if line and not line.startswith("#"))}


def gerund(phrase):
    first, *rest = phrase.split(" ")
    if first == "be":
        made = "being"
    elif first in DOUBLED:
        made = first + first[-1] + "ing"
    elif first.endswith("ie"):
        made = first[:-2] + "ying"
    elif first.endswith("e") and not first.endswith(("ee", "ye", "oe")):
        made = first[:-1] + "ing"
    else:
        made = first + "ing"
    return " ".join([made, *rest])


def is_plural(noun):
    head = noun.split(" of ")[0].split(" to ")[0].split(" for ")[0].split(" from ")[0].split(" ")[-1]
    return head.endswith("s") and not head.endswith(("ss", "us", "is", "'s")) or head in {"people", "children", "mice"}


def with_article(noun, article):
    if noun.startswith(("something", "the ", "my ", "a ", "an ")):
        return noun
    if article == "a":
        if is_plural(noun) or noun.split(" ")[-1] in MASS or noun.split(" ")[0] in MASS:
            return noun
        return ("an " if noun[0].lower() in VOWELS and not noun.startswith(("one", "us", "uni")) else "a ") + noun
    return f"{article} {noun}" if article else noun


class Meanings:
    def __init__(self, wordnet):
        domains = sections("domains.txt")
        self.domains = {d: {k: entries(v) for k, v in (l.split(": ", 1) for l in lines)} for d, lines in domains.items()}
        self.frames = sections("frames.txt")
        self.qualifiers = lists("qualifiers.txt")
        self.entities = lists("entities.txt")
        self.things = wordnet.things()
        self.relations = {}
        for line in (LEXICON / "facts.txt").read_text().splitlines():
            if line.strip() and not line.startswith("#"):
                head, wordings = line.split(": ", 1)
                name, kind, *flags = head.split(" ")
                self.relations[name] = (kind[1:], "sym" in flags, [w.strip() for w in wordings.split(" | ")])
        self.types = [t for t in self.frames]
        self.weights = [{"how": 10, "can": 5, "cost": 3, "request": 2}.get(t, 1.3) for t in self.types]

    # Meanings

    def amount(self, r):
        unit = r.choice(list(AMOUNTS))
        pattern = r.choice(AMOUNTS[unit])
        return ("#", unit, pattern, self.number(r, unit))

    def number(self, r, unit):
        same = [n for u, n in SAME_AMOUNT if u == unit]
        if same and r.random() < 0.4:
            return r.choice(same)
        top = {"clock": 12, "percent": 60, "hours": 72, "people": 20, "age": 80, "days": 90, "years": 30, "months": 36, "weeks": 40, "minutes": 90}.get(unit)
        return r.randint(2, top) if top else r.choice([2, 5, 8, 10, 16, 20, 23, 30, 32, 50, 64, 75, 100, 128, 150, 200, 250, 400, 500, 1000, 2000, 5000])

    def qualifier(self, r, domain):
        sets = [s for s in self.qualifiers if s != "tool" or domain in ("code", "git", "software", "files")]
        if domain in ("code", "git"):
            sets = ["tool", "tool", "tool", "speed", "condition"] if domain == "code" else ["tool", "device", "speed"]
        name = r.choice(sets)
        return (name, r.randrange(len(self.qualifiers[name])))

    def draw(self, r):
        """A meaning, as a dict of its parts."""
        if r.random() < 0.42:
            return self._fact(r)
        domain = r.choice(list(self.domains))
        d = self.domains[domain]
        m = {"kind": "act", "domain": domain, "type": r.choices(self.types, self.weights)[0], "action": r.randrange(len(d["actions"])),
             "object": r.randrange(len(d["objects"])), "article": "a" if domain in ("code", "git", "garden", "pets", "business") else r.choice(["my", "my", "a", "the"]),
             "thing": None, "quals": []}
        if domain in ("shopping", "home") and r.random() < 0.3:
            m["thing"] = r.choice(self.things)[0], None
        if r.random() < 0.42:
            m["quals"] = [self.qualifier(r, domain) if r.random() < 0.75 else self.amount(r)]
        return m

    def _fact(self, r):
        name = r.choice(list(self.relations))
        kind, _, _ = self.relations[name]
        m = {"kind": "fact", "relation": name, "quals": []}
        if kind == "thing":
            m["things"] = [r.choice(self.things)]
        else:
            pool = self.entities[kind.rstrip("2")]
            m["things"] = r.sample(pool, 2 if kind.endswith("2") else 1)
        if r.random() < 0.12:
            if kind in ("drug", "disease"):
                m["quals"] = [("audience", r.choice([26, 27, 28, 29, 2, 0]))]
            elif kind in ("topic", "topic2"):
                m["quals"] = [r.choice([("audience", 22), ("audience", 0), ("audience", 28), ("language", r.randrange(11))])]
            elif kind in ("city",):
                m["quals"] = [(s := r.choice(["day", "season"]), r.randrange(len(self.qualifiers[s])))]
        return m

    # Traps: one part changed.

    def changed(self, r, m):
        """A meaning whose answer differs, and the name of what was changed."""
        n = {**m, "quals": list(m["quals"])}
        options = ["scope"] + (["qualifier"] * 4 if m["quals"] else [])
        if m["kind"] == "act":
            options += ["action"] * 3 + ["object"] * 3 + ["type"] * 2
        else:
            kind, symmetric, _ = self.relations[m["relation"]]
            options += ["entity"] * 4 + ["relation"] * 3 + (["order"] * 4 if len(m["things"]) == 2 and not symmetric else [])
        what = r.choice(options)
        if what == "scope":
            if n["quals"]:
                n["quals"] = []
            elif m["kind"] == "act":
                n["quals"] = [self.qualifier(r, m["domain"]) if r.random() < 0.8 else self.amount(r)]
            else:
                what = "entity"
        if what == "qualifier":
            old = n["quals"][0]
            if old[0] == "#":
                unit, pattern, number = old[1:]
                if r.random() < 0.75:
                    others = {number * 10, number + 1, number + 10, int(str(number)[::-1]), number * 2, self.number(r, unit), max(number // 2, 1)} - {number, 0}
                    n["quals"] = [("#", unit, pattern, r.choice(sorted(others)))]
                else:
                    other = r.choice([p for p in AMOUNTS[unit] if p != pattern] or ["not within {} " + unit])
                    n["quals"] = [("#", unit, other, number)]
            else:
                choices = [i for i in range(len(self.qualifiers[old[0]])) if i != old[1]]
                near = [i for i in choices if abs(i - old[1]) == 1]
                n["quals"] = [(old[0], r.choice(near if r.random() < 0.4 else choices))]
        elif what in ("action", "object"):
            size = len(self.domains[m["domain"]][what + "s"])
            if what == "object" and m["thing"]:
                base = next((t for t in self.things if t[0] is m["thing"][0]), None)
                n["thing"] = ([r.choice(base[1])], None) if base else (r.choice(self.things)[0], None)
            else:
                choices = [i for i in range(size) if i != m[what]]
                near = [i for i in choices if abs(i - m[what]) == 1]
                n[what] = r.choice(near if r.random() < 0.5 else choices)
        elif what == "type":
            choices = [t for t in self.types if t != m["type"] and not any(t in g and m["type"] in g for g in NEAR_TYPES)]
            n["type"] = r.choice(choices)
        elif what == "entity":
            kind = self.relations[m["relation"]][0]
            i = r.randrange(len(m["things"]))
            things = list(m["things"])
            if kind == "thing":
                things[i] = ([r.choice(things[i][1])], things[i][1])
            else:
                pool = [e for e in self.entities[kind.rstrip("2")] if e not in m["things"]]
                # Names that look alike are the harder ones.
                alike = [e for e in pool if e[0][:2] == things[i][0][:2]]
                things[i] = r.choice(alike if alike and r.random() < 0.3 else pool)
            n["things"] = things
        elif what == "relation":
            kind = self.relations[m["relation"]][0]
            n["relation"] = r.choice([k for k, v in self.relations.items() if v[0] == kind and k != m["relation"]] or [m["relation"]])
            if n["relation"] == m["relation"]:
                return self.changed(r, m)
        elif what == "order":
            n["things"] = m["things"][::-1]
        return n, what

    # Wordings

    def choices(self, r):
        """What picks among equal wordings: kept, and handed on to a second wording that is to be worded alike."""
        return {"frame": r.random(), "action": r.random(), "object": r.random(), "qual": r.random(), "place": r.random(), "x": r.random(), "y": r.random(),
                "article": r.random(), "number": r.random()}

    @staticmethod
    def _pick(options, share):
        return options[int(share * len(options))]

    def qualifier_text(self, q, c):
        if q[0] != "#":
            return self._pick(self.qualifiers[q[0]][q[1]], c["qual"])
        unit, pattern, number = q[1:]
        same = SAME_AMOUNT.get((unit, number))
        if same and unit in ("days", "months", "hours", "minutes", "years") and f"{{}} {unit}" in pattern:
            return pattern.replace(f"{{}} {unit}", self._pick(same, c["number"]))
        as_words = number < 100 and c["number"] > 0.6 and unit not in ("clock", "pounds", "dollars", "percent", "size")
        return pattern.format(in_words(number) if as_words else f"{number:,}" if number > 999 and c["number"] > 0.5 else number)

    def wording(self, m, c):
        quals = [self.qualifier_text(q, c) for q in m["quals"]]
        if m["kind"] == "fact":
            _, symmetric, wordings = self.relations[m["relation"]]
            things = [self._pick(t[0] if isinstance(t[0], list) else t, c[k]) for t, k in zip(m["things"], "xy")]
            if symmetric and c["article"] > 0.5:
                things = things[::-1]
            text = self._pick(wordings, c["frame"])
            text = text.replace(" a {x}", " an {x}") if things[0][0] in VOWELS else text
            text = text.replace("{x}", things[0]).replace("{y}", things[-1])
            for q in quals:
                text = f"{q}, {text}" if c["place"] < 0.15 else f"{text} {q}"
            return text
        d = self.domains[m["domain"]]
        action = self._pick(d["actions"][m["action"]], c["action"])
        noun = self._pick(m["thing"][0] if m["thing"] else d["objects"][m["object"]], c["object"])
        article = m["article"] if c["article"] < 0.85 else {"my": "the", "a": "a", "the": "my"}[m["article"]]
        noun = with_article(noun, article)
        do = action.replace("{}", noun) if "{}" in action else f"{action} {noun}"
        front = c["place"] < 0.15
        tail = "" if front else "".join(" " + q for q in quals)
        frame = self._pick(self.frames[m["type"]], c["frame"])
        text = frame.replace("{do}", do + tail).replace("{doing}", gerund(do) + tail)
        for q in quals if front else []:
            text = f"{q}, {text}"
        return text


def tidied(text):
    """First letter upper-case, a question mark where the sentence asks."""
    text = re.sub(r"\s+", " ", text).strip()
    asks = re.match(r"(?i)(how|what|where|when|why|who|whom|which|can|could|do|does|did|is|are|may|must|am|will|would|have|has|was|should|by when|until when|"
                    r"in which|from what|on (what|which)|at what|within|if|for|in|on|with|[a-z ]+, (how|what|can|is|do))\b", text)
    ends = "" if text.endswith("?") else "?" if asks else ""
    return text[0].upper() + text[1:] + ends
