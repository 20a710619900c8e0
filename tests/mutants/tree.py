"""A copy of the tree, in which one mutant at a time is applied and tests are run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.report import FILE
from tests.mutants.table import ROOT, Mutant
from tests.mutants.verdict import Phase

TEST_S = 150  # for one test; pytest ends it then, which shows nothing


@dataclass(frozen=True, slots=True)
class Tree:
    """The copy in `folder`; its tests use the services of the stack in `stack`, unless that is None."""

    folder: Path
    stack: Path | None

    @contextmanager
    def broken(self, mutant: Mutant) -> Iterator[None]:
        """With this breakage inside; as it was afterwards."""
        file = self.folder / mutant.file
        text = file.read_text("utf-8")
        file.write_text(mutant.applied_to(text), "utf-8")
        try:
            yield
        finally:
            file.write_text(text, "utf-8")

    def run(self, tests: Sequence[str]) -> tuple[int, list[Phase], str]:
        """Run these tests; pytest's exit code, what it reports, and its output."""
        said = self.folder.parent / "report"
        said.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pytest", "-p", "tests.mutants.report", "-p", "no:cacheprovider", "-q"]
        done = subprocess.run(
            [*command, f"--timeout={TEST_S}", *tests],
            cwd=self.folder,
            env={**os.environ, **self._environment(said)},
            capture_output=True,
            text=True,
        )
        lines = said.read_text("utf-8").splitlines() if said.exists() else []
        return done.returncode, [Phase(**json.loads(line)) for line in lines], done.stdout + done.stderr

    def _environment(self, said: Path) -> dict[str, str]:
        """Without files of compiled code: one of the same second and length as the mutant's would be taken for it."""
        found = {"PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1", FILE: str(said)}
        return {**found, "OUTBOX_TEST_STACK": str(self.stack)} if self.stack else found


def copy(folder: Path, stack: Path | None) -> Tree:
    """Copy every file of the working tree that git does not ignore, as it stands, committed or not."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    return Tree(folder, stack)
