"""The table of mutants, and what may be wrong with it."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
# In the order in which a change travels.
FILES = ("capture", "wakeup", "claims", "relay", "worker", "plans", "recovery", "retention", "told")
# The ten invariants of docs/guarantees.md, and what is promised beside them.
PROMISES = (*map(str, range(1, 11)), "quick", "told", "whose")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One breakage.

    `breaks`: the promises that no longer hold. `old` stands exactly once in `file`, and is replaced by `new`. `test`:
    the node id of the test that must fail.
    """

    name: str
    breaks: tuple[str, ...]
    file: str
    old: str
    new: str
    test: str

    def applied_to(self, text: str) -> str:
        """The file's text with the breakage. ValueError if `old` does not stand in it exactly once."""
        if (count := text.count(self.old)) != 1:
            raise ValueError(f"{self.name}: its old text stands {count} times in {self.file}, not once: mend the table")
        return text.replace(self.old, self.new)


def load() -> list[Mutant]:
    """All of them, in order."""
    return [_mutant(entry) for name in FILES for entry in _entries(name)]


def _entries(name: str) -> list[dict[str, str | list[str]]]:
    parsed = tomllib.loads((HERE / f"{name}.toml").read_text("utf-8"))
    found: list[dict[str, str | list[str]]] = parsed["mutant"]
    return found


def _mutant(entry: dict[str, str | list[str]]) -> Mutant:
    texts = {key: str(entry[key]) for key in ("name", "file", "old", "new", "test")}
    return Mutant(breaks=tuple(entry["breaks"]), **texts)


def faults(mutant: Mutant, root: Path = ROOT) -> Iterator[str]:
    """What is wrong with an entry of the table, without running it."""
    if unknown := set(mutant.breaks) - set(PROMISES):
        yield f"there is no promise {', '.join(sorted(unknown))}"
    if not mutant.breaks:
        yield "it breaks no promise"
    try:
        broken = mutant.applied_to((root / mutant.file).read_text("utf-8"))
    except ValueError as error:
        yield str(error)
        return
    if mutant.file.endswith(".py"):
        ast.parse(broken)  # a program that does not start shows nothing
    if not _has_test(root, mutant.test):
        yield f"there is no test {mutant.test}"


def _has_test(root: Path, node: str) -> bool:
    file, _, name = node.partition("::")
    tree = ast.parse((root / file).read_text("utf-8"))
    functions = {one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)}
    return name.partition("[")[0] in functions
