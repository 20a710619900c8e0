"""Chance that is the same on every machine.

A hash of a text gives the draws, with integers alone: `random` promises the same numbers for `random()` only, and its
distributions use the C library's logarithms, whose last digits differ between machines. A text of its own for each
layer also makes layer 17 the same one however many layers there are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

_T = TypeVar("_T")
_BYTES = 96


class Dice:
    """Draws from one text: the same text, the same draws."""

    __slots__ = ("_bits", "_left", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._bits = 0
        self._left = 0

    def below(self, end: int) -> int:
        """A whole number from 0 up to, not including, `end`."""
        if self._left < end.bit_length() + 64:
            self._refill()
        self._left -= end.bit_length()
        self._bits, drawn = divmod(self._bits, end)
        return drawn

    def one(self, choices: Sequence[_T]) -> _T:
        """One of the choices."""
        return choices[self.below(len(choices))]

    def rare(self, among: int) -> bool:
        """True once in `among` draws."""
        return self.below(among) == 0

    def _refill(self) -> None:
        # Sixty-four bits to spare in each draw keep its bias below anything that could be seen.
        self._text = digest = hashlib.shake_128(self._text.encode()).hexdigest(_BYTES)
        self._bits = int(digest, 16)
        self._left = _BYTES * 8
