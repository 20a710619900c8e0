"""The proof that the index equals the view: both are streamed in key order and compared, by hash or by value."""

from __future__ import annotations

from outbox.verify.proof import Proof, Side, prove

__all__ = ["Proof", "Side", "prove"]
