"""Questions made by rule of who does what to whom: `written/clauses.txt` names the clauses, `ASKS` what may be asked of each.

A meaning is a clause, an ask, whether its two persons have changed places, and a qualifier. Two wordings of one meaning are the same; a meaning with
one part changed is different, except where the answer to one ask gives the answer to the other (`NEAR`). Development clauses are apart by their hash.
"""

import random
import re
from collections import Counter

from written import WRITTEN, is_apart, plain, typed

# {s} who, {v} base form, {vs} third person, {ved} participle, {ving} gerund, {o} whom or what. A wording in the passive voice needs {ved}.
ASKS = {
    "can": ["Can {s} {v} {o}?", "Is {s} allowed to {v} {o}?", "May {s} {v} {o}?", "Is it {OK/legal/permitted} for {s} to {v} {o}?", "Does {s} have the right to {v} {o}?",
            "Can {o} be {ved} by {s}?", "Am I right that {s} may {v} {o}?", "is {s} permitted to {v} {o}", "I'd like to know whether {s} can {v} {o}"],
    "must": ["Must {s} {v} {o}?", "Does {s} have to {v} {o}?", "Is {s} {obliged/required} to {v} {o}?", "Is it {compulsory/mandatory} for {s} to {v} {o}?",
             "Does {o} have to be {ved} by {s}?", "is it a must for {s} to {v} {o}", "Does {s} need to {v} {o}?", "Is there a duty for {s} to {v} {o}?"],
    "should": ["Should {s} {v} {o}?", "Is it a good idea for {s} to {v} {o}?", "Is it {advisable/sensible} for {s} to {v} {o}?", "Would you advise {s} to {v} {o}?",
               "Do you recommend that {s} {v} {o}?", "is it wise for {s} to {v} {o}"],
    "whencan": ["When can {s} {v} {o}?", "From what point is {s} allowed to {v} {o}?", "At what point may {s} {v} {o}?", "how soon can {s} {v} {o}"],
    "whenmust": ["When must {s} {v} {o}?", "By when does {s} have to {v} {o}?", "What is the deadline for {s} to {v} {o}?", "until when does {s} have time to {v} {o}"],
    "whymust": ["Why must {s} {v} {o}?", "Why does {s} have to {v} {o}?", "What is the reason that {s} has to {v} {o}?", "for what reason is {s} required to {v} {o}"],
    "whynot": ["Why can't {s} {v} {o}?", "Why is {s} not allowed to {v} {o}?", "What {stops/prevents} {s} from {ving} {o}?", "why is it forbidden for {s} to {v} {o}"],
    "who": ["Who can {v} {o}?", "Who is allowed to {v} {o}?", "By whom may {o} be {ved}?", "which people are permitted to {v} {o}", "Who has the right to {v} {o}?"],
    "often": ["How often can {s} {v} {o}?", "How many times is {s} allowed to {v} {o}?", "How many times may {s} {v} {o}?", "how frequently can {s} {v} {o}"],
    "how": ["How can {s} {v} {o}?", "How does {s} go about {ving} {o}?", "What is the procedure for {s} to {v} {o}?", "What steps does {s} take to {v} {o}?",
            "in what way can {s} {v} {o}", "How does {s} {v} {o}?"],
    "cost": ["What does it cost {s} to {v} {o}?", "How much does {s} {pay/have to pay} to {v} {o}?", "What is the price for {s} to {v} {o}?"],
    "whatif": ["What happens if {s} {vs} {o}?", "What are the consequences if {s} {vs} {o}?", "What follows when {s} {vs} {o}?", "suppose {s} {vs} {o}, what happens then"],
    "whatifnot": ["What happens if {s} {doesn't/does not} {v} {o}?", "What are the consequences if {s} fails to {v} {o}?", "suppose {s} doesn't {v} {o}, what then",
                  "What follows when {s} fails to {v} {o}?"],
    "refuse": ["Can {s} refuse to {v} {o}?", "Is {s} allowed to refuse to {v} {o}?", "May {s} decline to {v} {o}?", "does {s} have the right not to {v} {o}"],
    "only": ["Can only {s} {v} {o}?", "Is {s} the only one who can {v} {o}?", "Is nobody but {s} allowed to {v} {o}?", "is {ving} {o} reserved for {s}"],
    "others": ["Can anyone other than {s} {v} {o}?", "Is anyone besides {s} allowed to {v} {o}?", "May someone who is not {s} {v} {o}?"],
    "long": ["How long does it take {s} to {v} {o}?", "How much time does {s} need to {v} {o}?", "how many hours does it take {s} to {v} {o}"],
    "did": ["Did {s} {v} {o}?", "Has {s} {ved} {o}?", "Has {o} been {ved} by {s}?", "is it true that {s} has {ved} {o}"],
    "will": ["Will {s} {v} {o}?", "Is {s} going to {v} {o}?", "Will {o} be {ved} by {s}?", "does {s} intend to {v} {o}"],
    "whydid": ["Why did {s} {v} {o}?", "For what reason did {s} {v} {o}?", "What made {s} {v} {o}?", "why has {s} {ved} {o}"],
    "whendid": ["When did {s} {v} {o}?", "On what date did {s} {v} {o}?", "when was {o} {ved} by {s}"],
    "where": ["Where can {s} {v} {o}?", "At what place is {s} allowed to {v} {o}?", "In which places may {s} {v} {o}?", "where is {s} permitted to {v} {o}"],
    "shouldnt": ["Should {s} avoid {ving} {o}?", "Is it a bad idea for {s} to {v} {o}?", "Is it {unwise/a mistake} for {s} to {v} {o}?", "would you advise {s} against {ving} {o}"],
    "stop": ["How do I {stop/prevent/keep} {s} from {ving} {o}?", "How can {s} be {stopped/kept} from {ving} {o}?", "what can I do so that {s} doesn't {v} {o}"],
    "make": ["How do I get {s} to {v} {o}?", "How can I make {s} {v} {o}?", "How can {s} be brought to {v} {o}?", "what can I do so that {s} {vs} {o}"],
    "proof": ["How do I prove that {s} has {ved} {o}?", "What evidence is there that {s} has {ved} {o}?", "how can I show that {o} has been {ved} by {s}"],
    "howmany": ["How many people can {v} {o}?", "What number of people may {v} {o}?", "how many are allowed to {v} {o}"],
}
NEAR = [{"can", "whynot", "whencan", "who", "only", "others", "often", "how"}, {"must", "refuse", "whymust"}, {"did", "whydid", "whendid"}, {"who", "howmany", "others", "only"},
        {"must", "whenmust"}, {"must", "whatifnot"}, {"should", "shouldnt"}, {"can", "where"}, {"did", "proof"}]
# Of the near ones these are plainly different all the same: another question word.
APART = [{"can", "how"}, {"can", "often"}, {"can", "who"}, {"can", "only"}, {"whynot", "often"}, {"whencan", "often"}, {"whencan", "how"}, {"whencan", "who"}, {"how", "often"},
         {"how", "who"}, {"whydid", "whendid"}, {"whynot", "who"}, {"whynot", "whencan"}, {"whynot", "how"}, {"must", "whenmust"}, {"who", "howmany"}, {"whymust", "refuse"},
         {"often", "who"}, {"must", "whymust"}, {"can", "where"}, {"did", "proof"}]
NO_SUBJECT = {"who", "howmany"}
PASSIVE = re.compile(r"^Can \{o\}|\{o\} (have to )?be|\{o\} has|Has \{o\}|Will \{o\}|was \{o\}|that \{o\} has|may \{o\} be|Does \{o\}")
DOUBLED = {"stop", "plan", "ship", "swap", "drop", "submit", "admit", "commit", "refer", "transfer", "ban", "cancel", "label", "travel", "cut", "let", "put", "get", "sit", "run",
           "win", "shut", "sublet", "spot", "tag", "merge_", "unplug", "grab", "trim", "set", "reset", "rob", "cap", "control", "refit", "bar", "flag", "scan", "tip", "wrap", "log",
           "prefer", "quit", "pin", "rub", "snub", "beg", "hug", "dig", "bid"}


def forms(spec):
    """Third person, past participle and gerund of a verb; irregular participles are given as `take/taken`, particles stay behind ("shut down")."""
    base, _, given = spec.partition("/")
    if " " not in base:
        # The particle is written once, behind the participle.
        base = " ".join([base, *given.split(" ")[1:]])
    first, *rest = base.split(" ")
    tail = "".join(" " + w for w in rest)
    third = first + "es" if re.search(r"(s|sh|ch|x|z|o)$", first) else first[:-1] + "ies" if re.search(r"[^aeiou]y$", first) else first + "s"
    long = first + first[-1] if first in DOUBLED else first
    gerund = first[:-2] + "ying" if first.endswith("ie") else first[:-1] + "ing" if first.endswith("e") and not first.endswith(("ee", "ye", "oe")) else long + "ing"
    regular = first + "d" if first.endswith("e") else first[:-1] + "ied" if re.search(r"[^aeiou]y$", first) else long + "ed"
    return {"v": base, "vs": third + tail, "ved": given or regular + tail, "ving": gerund + tail}


class Clauses:
    def __init__(self, path=WRITTEN / "clauses.txt"):
        self.clauses = []
        for line in path.read_text().splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            domain, _, rest = line.partition(": ")
            parts = [p.strip() for p in rest.split(" | ")]
            subjects, verb, objects = parts[0].split(" = "), parts[1], parts[2].split(" = ")
            extra = parts[3].split(" ; ") if len(parts) > 3 else []
            flags = {f for f in extra if f in ("rev", "act")}
            quals = [[w.strip() for w in q.split(" = ")] for q in extra if q not in flags]
            verbs = [forms(v) for v in verb.split(" = ")]
            self.clauses.append({"domain": domain, "s": subjects, "verbs": verbs, "o": objects, "rev": "rev" in flags, "active": "act" in flags,
                                 "quals": quals, "name": rest})
        self.train, self.apart = [c for c in self.clauses if not is_apart(c["name"])], [c for c in self.clauses if is_apart(c["name"])]

    def faults(self):
        names = Counter((c["s"][0], c["verbs"][0]["v"], c["o"][0]) for c in self.clauses)
        return [f"clauses.txt: {n} twice" for n, count in names.items() if count > 1]

    def wording(self, r, m, pick=None):
        c = m["clause"]
        pick = pick or r
        patterns = [p for p in ASKS[m["ask"]] if not (c["active"] and PASSIVE.search(p))]
        text = re.sub(r"\{([^{}]*/[^{}]*)\}", lambda x: pick.choice(x[1].split("/")), pick.choice(patterns))
        s, o = pick.choice(c["s"]), pick.choice(c["o"])
        if m["reversed"]:
            s, o = o, s
        text = text.format(s=s, o=o, **pick.choice(c["verbs"]))
        if m["qual"] is not None:
            qual = pick.choice(c["quals"][m["qual"]])
            asks = text.endswith("?")
            if pick.random() < 0.25:
                text = qual[0].upper() + qual[1:] + ", " + (text if text.startswith("I'd") else text[0].lower() + text[1:])
            else:
                head, comma, tail = text.rstrip("?").partition(", what")
                text = head + " " + qual + comma + tail + ("?" if asks else "")
        return text

    def draw(self, r, clauses):
        c = r.choice(clauses)
        qual = r.randrange(len(c["quals"])) if c["quals"] and r.random() < 0.4 else None
        return {"clause": c, "ask": r.choice(list(ASKS)), "reversed": c["rev"] and r.random() < 0.5, "qual": qual}

    def changed(self, r, m):
        """A meaning with one part changed and the kind of change, or None."""
        c = m["clause"]
        options = ["ask"] * 4 + (["role"] * 4 if c["rev"] and m["ask"] not in NO_SUBJECT else []) + (["qual"] * 3 if c["quals"] else [])
        what = r.choice(options)
        if what == "role":
            return {**m, "reversed": not m["reversed"]}, "role"
        if what == "qual":
            others = [q for q in [None, *range(len(c["quals"]))] if q != m["qual"]]
            q = r.choice(others)
            is_time = q is not None and re.match(r"before|after|until|since|during", c["quals"][q][0])
            return {**m, "qual": q}, "plus" if q is None or m["qual"] is None else "time" if is_time else "condition"
        ask = r.choice([a for a in ASKS if a != m["ask"]])
        pair = {ask, m["ask"]}
        if any(pair <= near for near in NEAR) and pair not in APART:
            return None
        is_negated = pair in ({"whatif", "whatifnot"}, {"can", "refuse"}, {"can", "shouldnt"}, {"stop", "make"})
        is_modal = pair <= {"can", "must", "should", "did", "will"}
        kind = "modal" if is_modal else "negation" if is_negated else "scope" if pair & {"only", "others"} else "ask"
        return {**m, "ask": ask}, kind

    def pairs(self, r, count, blocks=None, edits=None, same=0.45):
        """`count` pairs of some clauses, those for training unless others are given."""
        clauses = self.train if blocks is None else blocks
        made = 0
        while made < count:
            m = self.draw(r, clauses)
            seed = r.random()
            if r.random() < same:
                a, b, y, kind = self.wording(r, m), self.wording(r, m), 1, "same"
            else:
                found = self.changed(r, m)
                if not found:
                    continue
                n, kind = found
                alike = r.random() < 0.5
                a = self.wording(r, m, random.Random(seed) if alike else None)
                b = self.wording(r, n, random.Random(seed) if alike else None)
                y = 0
            if plain(a) == plain(b):
                continue
            if edits:
                a, b = typed(r, a, edits), typed(r, b, edits)
            made += 1
            yield {"a": a, "b": b, "y": y, "source": "clause " + kind, "domain": m["clause"]["domain"]}

    def summary(self):
        meanings = sum(len(ASKS) * (2 if c["rev"] else 1) * (len(c["quals"]) + 1) for c in self.clauses)
        domains = ", ".join(f"{d} {n}" for d, n in Counter(c["domain"] for c in self.clauses).most_common())
        return f"{len(self.clauses)} clauses ({len(self.apart)} apart), {meanings} meanings by rule: {domains}"
