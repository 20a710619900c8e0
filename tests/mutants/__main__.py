"""`python -m tests.mutants [PART…]`: run all mutants, or those whose name holds one of these parts.

Exit code 0 if every one is caught, 1 if one survives, or shows nothing, or a test fails without any mutant.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import private_stack
from tests.mutants.table import Mutant, load
from tests.mutants.tree import Tree, copy
from tests.mutants.verdict import Verdict, judge, unfit


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one mutant."""

    mutant: Mutant
    verdict: Verdict
    why: str
    seconds: float

    def line(self) -> str:
        """A row of the table."""
        return f"{self.verdict:13} {self.seconds:5.1f} s  {self.mutant.name:60} {self.mutant.test}"


def main(parts: Sequence[str]) -> int:
    """Run them one after the other; the exit code."""
    chosen = [one for one in load() if not parts or any(part in one.name for part in parts)]
    if not chosen:
        print("no mutant has such a name", file=sys.stderr)
        return 2
    with _tree(chosen) as tree:
        if not _pass_without(tree, list(dict.fromkeys(one.test for one in chosen))):
            return 1
        results = [_tried(tree, mutant, f"{place}/{len(chosen)}") for place, mutant in enumerate(chosen, 1)]
    return _told(results)


@contextmanager
def _tree(chosen: Sequence[Mutant]) -> Iterator[Tree]:
    """A copy, and the services for it, if any test needs some."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        place = Path(folder) / "tree"
        if all(one.test.startswith("tests/unit/") for one in chosen):
            yield copy(place, None)
            return
        _say("starting the services")
        with private_stack(with_flower=False) as stack:
            yield copy(place, stack.folder.path)


def _pass_without(tree: Tree, tests: Sequence[str]) -> bool:
    _say(f"without any mutant: {len(tests)} tests")
    exit_code, phases, output = tree.run(tests)
    bad = unfit(tests, phases)
    if bad or exit_code:
        left = bad if phases else ()
        print(output, f"without any mutant pytest ended with {exit_code}; not passed:", *left, sep="\n")
    return not bad and exit_code == 0


def _tried(tree: Tree, mutant: Mutant, place: str) -> Result:
    began = time.monotonic()
    with tree.broken(mutant):
        exit_code, phases, output = tree.run([mutant.test])
    verdict, why = judge(mutant.test, exit_code, phases)
    result = Result(mutant, verdict, why, time.monotonic() - began)
    _say(f"{place} {result.verdict}: {mutant.name}: {why}")
    if verdict is not Verdict.CAUGHT:
        print(output)
    return result


def _told(results: Sequence[Result]) -> int:
    print(*(result.line() for result in results), sep="\n")
    left = [result for result in results if result.verdict is not Verdict.CAUGHT]
    print(
        f"{len(results) - len(left)} of {len(results)} mutants caught, in {sum(one.seconds for one in results):.0f} s"
    )
    return 1 if left else 0


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _stop(number: int, _: object) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)  # so that the services end too
    sys.exit(main(sys.argv[1:]))
