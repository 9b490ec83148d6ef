"""WordNet 3.0 as Debian's `wordnet-base` installs it: synonyms, opposites and sisters of common words.

Only words whose first sense carries most of their tagged occurrences are used, so that a synonym is one in nearly every sentence.
"""

from collections import defaultdict
from pathlib import Path

KINDS = {"n": "noun", "v": "verb", "a": "adj", "r": "adv"}
# Lexicographer files whose nouns can stand in for one another in a question: animals, artifacts, food, plants.
CONCRETE = {5, 6, 13, 20}


class WordNet:
    def __init__(self, folder):
        folder = Path(folder)
        self.counts = defaultdict(dict)  # (lemma, kind) -> {sense number: occurrences}
        for line in (folder / "cntlist.rev").read_text(encoding="latin-1").splitlines():
            key, number, count = line.split(" ")
            lemma, rest = key.split("%")
            kind = {"1": "n", "2": "v", "3": "a", "4": "r", "5": "a"}[rest[0]]
            self.counts[lemma, kind][int(number)] = int(count)
        self.senses, self.synsets = {}, {}
        for kind, name in KINDS.items():
            for line in (folder / f"index.{name}").read_text(encoding="latin-1").splitlines():
                if line.startswith(" "):
                    continue
                fields = line.split()
                pointers = int(fields[3])
                self.senses[fields[0], kind] = fields[6 + pointers :]
            for line in (folder / f"data.{name}").read_text(encoding="latin-1").splitlines():
                if not line.startswith(" "):
                    self._read(kind, line)
        self.children = defaultdict(list)
        for (kind, offset), synset in self.synsets.items():
            for symbol, target, _, _ in synset["pointers"]:
                if symbol in ("@", "@i"):
                    self.children[kind, target].append(offset)

    def _read(self, kind, line):
        data, _, gloss = line.partition("|")
        fields = data.split()
        count = int(fields[3], 16)
        lemmas = [fields[4 + 2 * i].split("(")[0] for i in range(count)]
        start = 4 + 2 * count
        pointers = []
        for i in range(int(fields[start])):
            symbol, target, target_kind, places = fields[start + 1 + 4 * i : start + 5 + 4 * i]
            pointers.append((symbol, target, target_kind.replace("s", "a"), (int(places[:2], 16), int(places[2:], 16))))
        self.synsets[kind, fields[0]] = {"file": int(fields[1]), "lemmas": lemmas, "pointers": pointers, "gloss": gloss.strip()}

    def first(self, word, kind):
        """The offset of the word's first sense, where that sense is the usual one; else None."""
        senses = self.senses.get((word.lower().replace(" ", "_"), kind))
        if not senses:
            return None
        counts = self.counts.get((word.lower().replace(" ", "_"), kind), {})
        total = sum(counts.values())
        if len(senses) > 1 and (total < 3 or counts.get(1, 0) < 0.6 * total):
            return None
        return senses[0]

    def frequency(self, word, kind):
        return sum(self.counts.get((word.lower().replace(" ", "_"), kind), {}).values())

    def kind(self, word):
        """The kind of word that this is most of the time, by tagged occurrences; None when it is not clear."""
        found = sorted(((self.frequency(word, k), k) for k in KINDS), reverse=True)
        return found[0][1] if found[0][0] >= 2 and found[0][0] >= 3 * found[1][0] else None

    def synonyms(self, word, kind):
        offset = self.first(word, kind)
        if offset is None:
            return []
        own = word.lower().replace(" ", "_")
        found = []
        for lemma in self.synsets[kind, offset]["lemmas"]:
            # A synonym has to mean the same the other way round: its own first sense is this one.
            if lemma.lower() != own and self.senses.get((lemma.lower(), kind), [None])[0] == offset and not any(c.isdigit() for c in lemma):
                found.append(lemma.replace("_", " "))
        return found

    def opposites(self, word, kind):
        found = []
        for offset in self.senses.get((word.lower(), kind), [])[:2]:
            synset = self.synsets[kind, offset]
            for symbol, target, target_kind, (source, place) in synset["pointers"]:
                if symbol == "!" and (source == 0 or synset["lemmas"][source - 1].lower() == word.lower()):
                    found.append(self.synsets[target_kind, target]["lemmas"][max(place - 1, 0)].replace("_", " "))
        return found

    def sisters(self, word, kind="n"):
        """Common words under the same hypernym: other things of the same sort."""
        offset = self.first(word, kind)
        if offset is None:
            return []
        own = self.synsets[kind, offset]
        found = []
        for symbol, target, target_kind, _ in own["pointers"]:
            if symbol not in ("@", "@i") or len(self.children[kind, target]) > 120:
                continue
            for child in self.children[kind, target]:
                if child == offset:
                    continue
                lemma = self.synsets[kind, child]["lemmas"][0]
                if self.senses.get((lemma.lower(), kind), [None])[0] == child:
                    found.append(lemma.replace("_", " "))
        return found

    def things(self, least=2):
        """Synsets of concrete nouns as lists of interchangeable lemmas, each with its sisters."""
        found = []
        for (lemma, kind), senses in self.senses.items():
            if kind != "n" or not lemma.replace("_", "").isalpha() or len(lemma) < 3:
                continue
            synset = self.synsets["n", senses[0]]
            if synset["file"] not in CONCRETE or synset["lemmas"][0].lower() != lemma or self.frequency(lemma, "n") < least:
                continue
            if any(l[0].isupper() for l in synset["lemmas"]):
                continue
            sisters = [s for s in self.sisters(lemma) if s.replace(" ", "").isalpha() and s[0].islower()]
            if sisters:
                found.append(([lemma.replace("_", " "), *self.synonyms(lemma, "n")], sisters))
        return found
