"""What is asked: questions that become entries, the same in other words, and questions that nobody asked before."""

import itertools
import json
import random

from upstream import MODEL

VERBS = "reset change update recover rename export archive restore share print".split()
THINGS = "password address invoice calendar profile contract photo report playlist recipe".split()
PLACES = "website phone tablet laptop dashboard portal kiosk terminal browser console".split()
OWNERS = "personal company family student premium guest admin shared regional archived".split()
NAMES = [first + second for first in ("alpha", "bravo", "delta", "gamma") for second in ("wood", "field", "stone", "brook", "ridge", "vale")]
REWORDINGS = ("How can I", "How could I", "How would I", "How do you", "How should I", "How does one")
WORDS = (
    "harbour violin glacier tax orbit saffron lattice plumber monsoon chess enzyme tariff lantern buffalo marathon ceramic vaccine opera dolphin "
    "granite ballot sonnet turbine orchid mortgage comet tapestry walrus senate pepper algebra canyon tractor jazz coral passport muffin laser "
    "castle yeast piston desert hockey amber satellite bonsai tribunal trumpet mosaic falcon diesel poem avalanche ribbon fossil prairie gymnast "
    "cinnamon antenna bishop swamp cello reef magnet duchess barley neutron scarf lagoon pistachio syntax meadow goalkeeper vinegar quarry pilgrim "
    "thermostat otter fjord anthem wallet molecule carnival spade onion cathedral ferry thesis mustard volcano sprinter quilt bacterium auction").split()


def entries(count):
    """`count` different questions of twelve words, always the same ones."""
    grid = list(itertools.product(VERBS, THINGS, PLACES, OWNERS))
    random.Random(7).shuffle(grid)
    return [piece + (NAMES[number // len(grid) % len(NAMES)],) for number, piece in zip(range(count), itertools.cycle(grid))]


def question(piece, opening="How do I"):
    verb, thing, place, owner, name = piece
    return f"{opening} {verb} the {owner} {thing} of {name} on the {place}?"


def rewordings(pieces):
    """Every entry in every other wording, each once."""
    for opening in REWORDINGS:
        for piece in pieces:
            yield question(piece, opening)


def unknown(seed):
    """Questions that resemble nothing before them: words drawn at random."""
    chooser = random.Random(seed)
    while True:
        yield "What do " + " ".join(chooser.sample(WORDS, 10)) + " have in common?"


def body(prompt):
    """A request as all contenders get it. Temperature 0, because one of them caches nothing warmer than 0.3."""
    return json.dumps({"model": MODEL, "temperature": 0, "messages": [{"role": "user", "content": prompt}]})
