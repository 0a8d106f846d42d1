"""Fills sentence frames with words from lists, so that plain pages of one kind share a style and not their sentences.

A frame holds slots: `{word}` is drawn from the list of that name, `{3..40}` is a number, `{a|b|c}` one of the choices.
Within a page no entry of a list is drawn twice while there are others, and a fixed slot keeps its first entry.
"""

import re
from collections.abc import Mapping, Sequence
from random import Random

_SLOT = re.compile(r"\{([^{}]+)\}")


class Filler:
    """Fills the frames of one page."""

    def __init__(self, rng: Random, words: Mapping[str, Sequence[str]], fixed: Sequence[str] = ()) -> None:
        self.rng = rng
        self.words = words
        self.fixed = fixed
        self.decks: dict[str, list[str]] = {}

    def fill(self, frame: str) -> str:
        """The frame with all of its slots filled, its first letter a capital."""
        text = frame
        while _SLOT.search(text):
            text = _SLOT.sub(self._draw, text)
        return text[0].upper() + text[1:]

    def _draw(self, match: re.Match[str]) -> str:
        slot = match[1]
        if ".." in slot:
            low, high = slot.split("..")
            return str(self.rng.randint(int(low), int(high)))
        if "|" in slot:
            return self.rng.choice(slot.split("|"))
        deck = self.decks.get(slot)
        if not deck:
            deck = self.decks[slot] = self.rng.sample(list(self.words[slot]), len(self.words[slot]))
        return deck[-1] if slot in self.fixed else deck.pop()
