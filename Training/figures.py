"""What a score is worth: the share of should-hits that is served where a given share of traps is."""

import math


def served_at(scores, labels, share):
    """The share of positives at or above the lowest cut that lets at most `share` of the negatives through, and that cut."""
    negatives = sorted((s for s, y in zip(scores, labels) if not y), reverse=True)
    positives = [s for s, y in zip(scores, labels) if y]
    allowed = math.floor(share * len(negatives) + 1e-9)
    # Strictly above the first negative that is one too many.
    cut = negatives[allowed] if allowed < len(negatives) else -math.inf
    return sum(s > cut for s in positives) / max(len(positives), 1), cut


def area(scores, labels):
    """The chance that a positive scores above a negative."""
    ranked = sorted(zip(scores, labels))
    below, wins = 0, 0
    for _, y in ranked:
        if y:
            wins += below
        else:
            below += 1
    positives = len(ranked) - below
    return wins / max(below * positives, 1)
