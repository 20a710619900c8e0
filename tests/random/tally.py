"""What a run did, counted by shape."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """The counts of one shape; `refused` by code. An event counts once for each key it leads to."""

    generated: int = 0
    accepted: int = 0
    changes: int = 0
    documents: int = 0
    events: int = 0
    superfluous: int = 0
    all_documents: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def line(self) -> str:
        """One line of the table."""
        refused = self.generated - self.accepted
        counts = (self.generated, self.accepted, refused, self.changes, self.documents, self.events)
        ratio = f"{self.superfluous} ({self.superfluous / max(self.events, 1):.0%})"
        codes = ", ".join(f"{code} {count}" for code, count in sorted(self.refused.items()))
        return "".join(f"{count:>11}" for count in counts) + f"{ratio:>16}{self.all_documents:>8}  {codes}"


HEAD = "".join(f"{name:>11}" for name in ("generated", "accepted", "refused", "changes", "documents", "events"))
HEAD += f"{'superfluous':>16}{'of all':>8}  why refused"
TALLIES: dict[str, Tally] = {}


def table() -> list[str]:
    """The tallies of all shapes that ran."""
    width = max(map(len, TALLIES), default=0)
    return [f"{'':{width}}{HEAD}", *(f"{name:{width}}{tally.line}" for name, tally in TALLIES.items())]


def refused_share() -> float:
    """How many of all views were refused, from 0 to 1."""
    generated = sum(tally.generated for tally in TALLIES.values())
    return 1 - sum(tally.accepted for tally in TALLIES.values()) / generated if generated else 0.0
