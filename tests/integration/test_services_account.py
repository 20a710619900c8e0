"""Postgres as another user than root."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from services import account, postgres, state
from services.command import succeed


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another account")
def test_another_user_gets_a_copy_of_programs_that_it_cannot_reach(tmp_path: Path) -> None:
    """As where the virtual environment lies in root's home. `tmp_path` is closed to others as well."""
    package = postgres.programs("postgres").parents[1]
    for source in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(source, tmp_path / source.name)
    programs = tmp_path / package.name / "pginstall" / "bin"
    other = account.other_user("")
    copied = account.reachable(other, programs)
    said = succeed([*other.prefix, copied / "postgres", "--version"])
    state.remove([other.folder])

    assert copied.is_relative_to(other.folder)
    assert said.startswith("postgres (PostgreSQL) 18")
