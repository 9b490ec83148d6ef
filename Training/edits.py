"""Edits of any sentence: safe ones, after which the answer is the same, and traps, after which it is another. Each takes a `random.Random`.

An edit gives None where it does not apply. Word lists: WordNet, the phrases of `lexicon/`, and the opposites that the guards' resource file names.
"""

import re
from collections import defaultdict
from pathlib import Path

from meanings import LEXICON, in_words, lists, sections, entries, gerund

WORDS = Path(__file__).parents[1] / "Sources/Matching/Words"
GREETINGS = ["hi", "hello", "hey", "hi there", "hello there", "good morning", "hiya", "hi team", "quick question", "quick one", "sorry to bother you",
             "sorry, silly question", "excuse me", "just wondering", "I was wondering", "question for you", "dear support", "ok", "okay so", "so", "um", "uh", "well"]
THANKS = ["thanks", "thank you", "thanks!", "thanks in advance", "cheers", "please", "many thanks", "thx", "ta", "please help", "much appreciated"]
FILLERS = ["um", "uh", "like", "actually", "just", "er", "you know"]
EXPANDED = [("what's", "what is"), ("where's", "where is"), ("who's", "who is"), ("how's", "how is"), ("when's", "when is"), ("it's", "it is"),
            ("i'm", "i am"), ("i've", "i have"), ("i'd like", "i would like"), ("can't", "cannot"), ("don't", "do not"), ("doesn't", "does not"),
            ("isn't", "is not"), ("won't", "will not"), ("there's", "there is"), ("i'll", "i will"), ("didn't", "did not"), ("aren't", "are not"),
            ("you're", "you are"), ("haven't", "have not"), ("what're", "what are"), ("couldn't", "could not"), ("wasn't", "was not")]
SPELLINGS = [("centre", "center"), ("colour", "color"), ("favourite", "favorite"), ("organise", "organize"), ("licence", "license"), ("cheque", "check"),
             ("programme", "program"), ("travelling", "traveling"), ("cancelled", "canceled"), ("grey", "gray"), ("tyre", "tire"), ("neighbour", "neighbor"),
             ("customise", "customize"), ("catalogue", "catalog"), ("theatre", "theater"), ("jewellery", "jewelry"), ("enrol", "enroll")]
# Little words and phrases that may stand for one another in nearly every sentence.
EQUAL = [["buy", "purchase"], ["get", "obtain"], ["need", "require"], ["show me", "display"], ["tell me", "let me know"], ["how do i", "how can i"],
         ["how can i", "how do you"], ["can i", "is it possible to"], ["can i", "am i able to"], ["is there", "do you have"], ["what is", "what's"],
         ["quickest", "fastest"], ["big", "large"], ["begin", "start"], ["finish", "end"], ["help", "assist"], ["i need to", "i have to"],
         ["i want to", "i'd like to"], ["i want to", "i wish to"], ["want to", "would like to"], ["how much is", "what does it cost for"],
         ["where can i find", "where do i find"], ["why won't", "why doesn't"], ["phone", "telephone"], ["picture", "photo"], ["car", "automobile"],
         ["kids", "children"], ["employees", "staff"], ["fix", "repair"], ["mum", "mother"], ["film", "movie"], ["flat", "apartment"], ["holiday", "vacation"],
         ["phone number", "telephone number"], ["right now", "at the moment"], ["issue", "problem"], ["error", "failure"], ["customers", "clients"],
         ["give me", "provide me with"], ["do i have to", "must i"], ["do i need to", "is it necessary to"], ["how long does it take", "how much time does it take"],
         ["what time", "when"], ["say", "state"], ["please", "kindly"], ["about", "regarding"], ["maximum", "max"], ["minimum", "min"], ["usually", "normally"],
         ["whole", "entire"], ["wrong", "incorrect"], ["allowed", "permitted"], ["ill", "unwell"], ["broken", "not working"], ["money back", "refund"]]
# A start of a sentence that asks something else of the same thing.
STARTS = [["how do i", "why can't i", "when can i", "do i have to", "who can", "how often should i", "why should i", "what happens if i"],
          ["how can i", "why can't i", "when can i", "do i have to", "how often can i", "what happens if i don't"],
          ["can i", "do i have to", "why can't i", "when can i", "how often can i", "what happens if i", "should i"],
          ["where is", "when is", "who is", "why is", "how big is", "how much is"], ["where are", "when are", "who are", "how many are", "why are"],
          ["what is", "where is", "when is", "why is", "who is"], ["how much does", "how long does", "why does", "where does"],
          ["how long", "how often", "how far", "how much", "how old"], ["when", "where", "why"], ["why", "how", "when"], ["who", "when", "where"],
          ["what are the benefits of", "what are the drawbacks of", "what are the costs of"], ["i can", "i can't"], ["do you", "don't you"],
          ["should i", "can i", "when should i", "why should i", "shouldn't i"], ["how many", "which", "what kind of"]]
OPPOSITES = [["with", "without"], ["before", "after"], ["over", "under"], ["above", "below"], ["more than", "less than"], ["at least", "at most"],
             ["minimum", "maximum"], ["min", "max"], ["most", "least"], ["best", "worst"], ["cheapest", "most expensive"], ["first", "last"],
             ["earliest", "latest"], ["next", "previous"], ["next", "last"], ["highest", "lowest"], ["largest", "smallest"], ["longest", "shortest"],
             ["fastest", "slowest"], ["oldest", "newest"], ["inside", "outside"], ["to", "from"], ["into", "out of"], ["on", "off"], ["up", "down"],
             ["always", "never"], ["all", "none of"], ["every", "no"], ["all", "some of"], ["include", "exclude"], ["included", "excluded"], ["must", "may"],
             ["have to", "be allowed to"], ["allowed", "required"], ["allowed", "forbidden"], ["required", "optional"], ["possible", "impossible"],
             ["free", "paid"], ["monthly", "yearly"], ["daily", "weekly"], ["weekly", "monthly"], ["annual", "monthly"], ["hourly", "daily"],
             ["public", "private"], ["personal", "business"], ["new", "used"], ["new", "old"], ["single", "return"], ["one-way", "return"], ["adult", "child"],
             ["male", "female"], ["men's", "women's"], ["front", "rear"], ["left", "right"], ["hot", "cold"], ["summer", "winter"], ["morning", "evening"],
             ["day", "night"], ["today", "tomorrow"], ["yesterday", "today"], ["this", "last"], ["this", "next"], ["buy", "sell"],
             ["send", "receive"], ["lend", "borrow"], ["import", "export"], ["upload", "download"], ["increase", "decrease"], ["raise", "lower"],
             ["open", "close"], ["start", "stop"], ["join", "leave"], ["add", "remove"], ["accept", "reject"], ["approve", "deny"], ["win", "lose"],
             ["pass", "fail"], ["love", "hate"], ["gain", "lose"], ["arrive", "depart"], ["arrival", "departure"], ["push", "pull"], ["install", "uninstall"],
             ["lock", "unlock"], ["block", "unblock"], ["enable", "disable"], ["show", "hide"], ["mute", "unmute"], ["successful", "unsuccessful"],
             ["married", "unmarried"], ["employed", "self-employed"], ["employed", "unemployed"], ["full-time", "part-time"], ["permanent", "temporary"],
             ["domestic", "international"], ["safe", "dangerous"], ["legal", "illegal"], ["healthy", "unhealthy"], ["suitable", "unsuitable"],
             ["refundable", "non-refundable"], ["renewable", "non-renewable"], ["smoking", "non-smoking"], ["members", "non-members"], ["residents", "non-residents"],
             ["vegetarian", "vegan"], ["encode", "decode"], ["encrypt", "decrypt"], ["ascending", "descending"], ["synchronous", "asynchronous"],
             ["client", "server"], ["input", "output"], ["buyer", "seller"], ["landlord", "tenant"], ["employer", "employee"], ["teacher", "student"],
             ["doctor", "patient"], ["husband", "wife"], ["son", "daughter"], ["mother", "father"], ["brother", "sister"], ["kg", "lb"], ["miles", "kilometres"],
             ["celsius", "fahrenheit"], ["dollars", "euros"], ["pounds", "dollars"], ["USD", "EUR"], ["litres", "gallons"], ["hours", "days"], ["days", "weeks"],
             ["minutes", "hours"], ["weeks", "months"], ["months", "years"], ["MB", "GB"], ["debit", "credit"], ["hand", "checked"], ["gas", "electricity"],
             ["advantages", "disadvantages"], ["benefits", "risks"], ["pros", "cons"], ["cause", "symptom"], ["causes", "symptoms"], ["own", "rent"],
             ["only", "also"], ["any", "all"], ["anyone", "everyone"], ["each", "both"], ["early", "late"], ["success", "failure"], ["save", "spend"]]
DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"]
COLOURS = ["red", "blue", "green", "yellow", "white", "black", "purple", "orange", "pink", "brown", "grey"]
ROOMS = ["kitchen", "bedroom", "bathroom", "living room", "garage", "hallway", "office", "garden", "attic", "basement"]
MEDIA = ["song", "album", "podcast", "radio station", "audiobook", "playlist", "film", "episode", "video", "game"]
VERSIONS = re.compile(r"\b(\d+)\.(\d+)\b")
NUMBER = re.compile(r"(?<![\w.])\d+(?:,\d{3})*(?![\w.]*\d)")
SCOPES = ["for children", "for students", "for my wife", "for my business", "for seniors", "for new customers", "for beginners", "for pregnant women", "in babies",
          "in dogs", "on weekends", "at night", "in winter", "in Germany", "in Scotland", "in the US", "on Android", "on my iPhone", "on Linux", "without an account",
          "without a receipt", "in the app", "over the phone", "by post", "in Python", "in Java", "abroad", "after surgery", "before the deadline",
          "while pregnant", "if I'm self-employed", "if I'm under 18", "for two people", "without paying", "for free", "in cash", "on Sundays", "next year",
          "with a discount", "as a tenant", "as a landlord", "in one day", "with my old phone", "for someone else", "from abroad", "except weekends",
          "only once", "every month", "by email", "within 24 hours", "more than once", "at the airport", "for a large group"]


def replaced(text, old, new):
    """`text` with one whole-word occurrence of `old` replaced, keeping a capital at the start; None when it is not there."""
    match = re.search(rf"(?<![\w'-]){re.escape(old)}(?![\w'-])", text, re.IGNORECASE)
    if not match:
        return None
    if match.group(0)[:1].isupper() and (match.start() == 0 or new[0].islower()) and match.start() == 0:
        new = new[0].upper() + new[1:]
    return text[: match.start()] + new + text[match.end() :]


class Edits:
    def __init__(self, wordnet):
        self.wordnet = wordnet
        self.pool = lists("entities.txt")
        self.equal, self.other = defaultdict(list), defaultdict(list)
        for group in EQUAL:
            self._equal(group)
        for pair in OPPOSITES:
            self._other([[w] for w in pair])
        for name in ("qualifiers.txt", "entities.txt"):
            for members in lists(name).values():
                for member in members:
                    self._equal(member)
                self._other(members)
        for lines in sections("domains.txt").values():
            objects = next(entries(l.split(": ", 1)[1]) for l in lines if l.startswith("objects"))
            for group in objects:
                self._equal(group)
            self._other(objects)
            for group in (entries(l.split(": ", 1)[1]) for l in lines if l.startswith("actions")):
                verbs = [[w for w in g if "{}" not in w] for g in group]
                for g in verbs:
                    self._equal(g), self._equal([gerund(w) for w in g])
                self._other([g for g in verbs if g])
        for words in (DAYS, MONTHS, COLOURS, ROOMS, MEDIA):
            self._other([[w] for w in words])
        for line in (WORDS / "antonyms.txt").read_text().splitlines():
            if " / " in line and not line.startswith("#"):
                self._other([[w.strip()] for w in line.split(" / ")])
        # A word of everyday use is no phrase to swap: "use", "get", "make" mean too many things.
        for common in ("get", "use", "make", "see", "have", "take", "put in", "add", "move", "let", "leave", "change", "set up", "start", "may", "data"):
            self.other.pop(common, None)

    def _equal(self, group):
        for word in group:
            self.equal[word.lower()] += [w for w in group if w != word]

    def _other(self, groups):
        for group in groups:
            for word in group:
                self.other[word.lower()] += [g for g in groups if g is not group][:400]

    def phrases(self, text, table):
        """The phrases of up to four words in `text` that the table knows."""
        words = re.findall(r"[\w'-]+", text.lower())
        found = []
        for size in (4, 3, 2, 1):
            for i in range(len(words) - size + 1):
                phrase = " ".join(words[i : i + size])
                if phrase in table and table[phrase] and not any(phrase in f for f in found):
                    found.append(phrase)
        return found

    # Safe edits

    def typo(self, r, text):
        words = [m for m in re.finditer(r"[a-zA-Z]{4,}", text)]
        if not words:
            return None
        m = r.choice(words)
        w, i = m.group(0), r.randrange(1, len(m.group(0)) - 1)
        w = r.choice([w[:i] + w[i + 1] + w[i] + w[i + 2 :], w[:i] + w[i + 1 :], w[:i] + w[i] + w[i:], w[:i] + r.choice("aeiourtns") + w[i + 1 :]])
        return text[: m.start()] + w + text[m.end() :]

    def surface(self, r, text):
        """Case, marks, greetings, thanks, fillers: what people type around a question."""
        roll = r.random()
        plain = text.rstrip("?.! ")
        if roll < 0.2:
            return text.lower().rstrip("?.!") if r.random() < 0.6 else text.lower()
        if roll < 0.28:
            return plain + r.choice(["", "?", "??", "!", " ?", ".", "?!", "..."])
        if roll < 0.32:
            return text.upper()
        if roll < 0.35:
            return text.title()
        lowered = text[0].lower() + text[1:] if not re.match(r"I\b|[A-Z]{2}", text) else text
        if roll < 0.62:
            greeting = r.choice(GREETINGS)
            start = greeting if r.random() < 0.4 else greeting[0].upper() + greeting[1:]
            text = start + r.choice([", ", " ", ", ", ": ", "! ", ". "]) + lowered
            return text + (r.choice([" ", ", ", ". "]) + r.choice(THANKS) if r.random() < 0.25 else "")
        if roll < 0.82:
            return plain + r.choice([", ", "? ", " ", ". "]) + r.choice(THANKS)
        words = lowered.split(" ")
        words.insert(r.randrange(len(words)), r.choice(FILLERS))
        return " ".join(words)

    def contraction(self, r, text):
        options = [(a, b) for pair in EXPANDED for a, b in (pair, pair[::-1])] + [(a, b) for pair in SPELLINGS for a, b in (pair, pair[::-1])]
        r.shuffle(options)
        for a, b in options:
            made = replaced(text, a, b)
            if made:
                return re.sub(r"\bi\b(?=[ '])", "I", made) if "I" in text else made
        return None

    def numeral(self, r, text):
        clock = re.search(r"(?i)\b(\d{1,2}) ?(am|pm)\b", text)
        if clock and 1 <= int(clock[1]) <= 12:
            part = "morning" if clock[2].lower() == "am" else "evening" if int(clock[1]) in range(6, 12) else "afternoon"
            hour = r.choice([clock[1], in_words(int(clock[1]))])
            return text[: clock.start()] + hour + r.choice([" in the ", " o'clock in the "]) + part + text[clock.end() :]
        matches = [m for m in re.finditer(r"(?<![\w.:£$€-])\d{1,3}(?![\w.:%-])", text)]
        if not matches:
            return None
        m = r.choice(matches)
        return text[: m.start()] + in_words(int(m.group(0))) + text[m.end() :]

    def fronted(self, r, text):
        """The last prepositional phrase goes to the front."""
        m = re.match(r"(?i)(?P<rest>(?:how|can|what|where|do|is|why|when|are|does|which|who)\b.{8,}?) (?P<phrase>(?:in|on|for|at|with|without|during|after|before|"
                     r"if|while|from|as) [\w' -]{3,30})(?P<end>[?.!]*)$", text)
        if not m or " " not in m["phrase"]:
            return None
        rest = m["rest"][0].lower() + m["rest"][1:]
        return m["phrase"][0].upper() + m["phrase"][1:] + ", " + rest + m["end"]

    def synonym(self, r, text):
        options = [p for p in self.phrases(text, self.equal)]
        if options and r.random() < 0.75:
            phrase = r.choice(options)
            return replaced(text, phrase, r.choice(self.equal[phrase]))
        # Verbs have too many senses for their synonyms to be trusted.
        return self.wordnet_swap(r, text, lambda w, k: self.wordnet.synonyms(w, k) if k in "na" else [])

    def reframed(self, r, text, frames):
        """The start of a question gives way to an equal one."""
        for kind in ("how", "can", "cost", "must", "deadline", "duration"):
            for start in ("how do i ", "how can i ", "can i ", "how to ", "how much does it cost to ", "do i have to ", "how long does it take to "):
                if text.lower().startswith(start) and any(f == start + "{do}" for f in frames[kind]):
                    do = text[len(start) :].rstrip("?.! ")
                    frame = r.choice(frames[kind])
                    return frame.replace("{doing}", gerund(do)).replace("{do}", do) + ("?" if r.random() < 0.8 else "")
        return None

    def wordnet_swap(self, r, text, source):
        words = [m for m in re.finditer(r"\b[a-z]{3,}\b", text)]
        r.shuffle(words)
        for m in words[:6]:
            word = m.group(0)
            base, ending = (word[:-1], "s") if word.endswith("s") and not word.endswith("ss") else (word, "")
            kind = self.wordnet.kind(base)
            if not kind or kind == "r" or (ending and kind != "n"):
                continue
            options = [o for o in source(base, kind) if o.isascii() and o.lower() not in text.lower() and o[0].islower()]
            if options:
                return text[: m.start()] + r.choice(options[:6]) + ending + text[m.end() :]
        return None

    def safe(self, r, text, frames, depth=None):
        """One to three safe edits; None when none applied."""
        made = text
        for _ in range(depth or r.choice([1, 1, 2, 2, 3])):
            roll = r.random()
            edit = (self.synonym if roll < 0.3 else self.surface if roll < 0.45 else self.typo if roll < 0.6 else self.contraction if roll < 0.7
                    else self.fronted if roll < 0.8 else self.numeral if roll < 0.84 else lambda r, t: self.reframed(r, t, frames))
            made = edit(r, made) or made
        return made if made != text else None

    # Traps

    def number(self, r, text):
        matches = list(NUMBER.finditer(text))
        if not matches:
            return None
        m = r.choice(matches)
        old = int(m.group(0).replace(",", ""))
        digits = str(old)
        near = {old + 1, old + 10, old * 10, old * 2, old // 10, int(digits[::-1]), abs(old - 1), r.randint(1, 10 ** len(digits))}
        if len(digits) > 3:
            i = r.randrange(len(digits))
            near = {int(digits[:i] + r.choice("0123456789") + digits[i + 1 :]), int(digits[:-2] + digits[-1] + digits[-2]), old + 1}
        near -= {old}
        return text[: m.start()] + str(r.choice(sorted(near))) + text[m.end() :] if near else None

    def other_phrase(self, r, text):
        options = self.phrases(text, self.other)
        if not options:
            return None
        phrase = r.choice(options)
        return replaced(text, phrase, r.choice(r.choice(self.other[phrase])))

    def opposite_word(self, r, text):
        return self.wordnet_swap(r, text, lambda w, k: self.wordnet.opposites(w, k))

    def sister_word(self, r, text):
        return self.wordnet_swap(r, text, lambda w, k: [s for s in self.wordnet.sisters(w) if s.isalpha()] if k == "n" else [])

    def negated(self, r, text):
        # Not at the start: "isn't it open" asks what "is it open" asks.
        for verb in r.sample(["is", "are", "do", "does", "can", "should", "will", "did", "was", "have", "would"], 11):
            match = re.search(rf"(?i)(?<=\w ){verb}\b(?! (i|you|it|they|we|my|the|this|there)\b)", text)
            if match and r.random() < 0.7:
                short = {"can": "can't", "will": "won't"}.get(verb, verb + "n't")
                return text[: match.start()] + short + text[match.start() + len(verb) :]
        match = re.search(r"(?i)\b(to|i|you|we|they) (?=[a-z]{3,})", text)
        if match:
            return text[: match.end()] + r.choice(["not " if match.group(1).lower() == "to" else "never ", "never ", "no longer ", "stop " if match.group(1).lower() == "to" else "never "]) + text[match.end() :]
        return None

    def start(self, r, text):
        for group in r.sample(STARTS, len(STARTS)):
            if text.lower().startswith(group[0] + " "):
                new = r.choice(group[1:])
                return new[0].upper() + new[1:] + text[len(group[0]) :]
        return None

    def scope(self, r, text):
        plain = text.rstrip("?.! ")
        if r.random() < 0.25:
            m = re.match(r"(?i)(.{12,}) (for|in|on|with|without|at|from|during|if|when|after|before) [\w' -]{3,30}$", plain)
            if m:
                return m[1] + text[len(plain) :]
        scope = r.choice(SCOPES)
        return plain + " " + scope + text[len(plain) :] if r.random() < 0.8 else scope[0].upper() + scope[1:] + ", " + plain[0].lower() + text[1:]

    def swapped(self, r, text):
        """The two ends of "from A to B", or the names around a preposition, change places."""
        m = re.search(r"(?i)\b(from) ([\w' ]{2,25}?) (to|into) ([\w' ]{2,25}?)(?=[?.!,]|$| for | on | at | by | with )", text)
        if m and m[2].lower() != m[4].lower():
            return text[: m.start(2)] + m[4] + text[m.end(2) : m.start(4)] + m[2] + text[m.end(4) :]
        m = re.search(r"(?i)\b(?:my|a|the|an) (\w{3,}) (to|into|from|over|against|instead of|before|after|on|in) (?:my|a|the|an) (\w{3,})", text)
        if m and m[1].lower() != m[3].lower():
            return text[: m.start(1)] + m[3] + text[m.end(1) : m.start(3)] + m[1] + text[m.end(3) :]
        m = re.search(r"\b([A-Z]\w+) (to|into|from|over|than|beat|against|owe|owes|before|after) ([A-Z]\w+)", text)
        if m and m[1] != m[3]:
            return text[: m.start(1)] + m[3] + text[m.end(1) : m.start(3)] + m[1] + text[m.end(3) :]
        return None

    def name(self, r, text):
        """A capitalised word in the middle gives way to another name."""
        matches = [m for m in re.finditer(r"(?<=[a-z,] )[A-Z][a-z]{2,}\b", text)]
        if not matches:
            return None
        m = r.choice(matches)
        pool = self.pool
        kind = next((k for k, v in pool.items() if any(m.group(0) in names for names in v)), r.choice(["city", "company", "country"]))
        new = r.choice(r.choice(pool[kind]))
        return None if new.lower() in text.lower() else text[: m.start()] + new + text[m.end() :]

    def trap(self, r, text):
        """One edit that makes another question of it, with its name; None when none applied in a few tries."""
        kinds = [("number", self.number, 3), ("phrase", self.other_phrase, 6), ("opposite", self.opposite_word, 2), ("sister", self.sister_word, 3),
                 ("negation", self.negated, 2), ("start", self.start, 2), ("scope", self.scope, 1.5), ("order", self.swapped, 3), ("name", self.name, 2)]
        for _ in range(6):
            name, edit, _ = r.choices(kinds, [k[2] for k in kinds])[0]
            made = edit(r, text)
            if made and made.lower().strip("?.! ") != text.lower().strip("?.! "):
                return made, name
        return None
