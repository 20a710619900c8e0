"""Rules of the house that no other tool checks, over every file that git knows.

Forbidden words are put together from parts, so that this file does not hold what it looks for.
"""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[2]
MOST_LINES = 300
MOST_LINES_OF_A_FUNCTION = 50
REGISTRIES = [
    "py" + "pi.org",
    "python" + "hosted.org",
    "crates" + ".io",
    "registry." + "npmjs",
    "repo." + "maven.apache",
    "repo1." + "maven",
    "proxy." + "golang",
    "deb." + "debian.org",
    "security." + "debian.org",
]
# A home folder or a workplace, at the start of a path, not inside one.
MACHINE_PATH = re.compile(
    r"(?<![\w.}~/-])/(?:" + "|".join(["work", "root", "home/\\w+", "Users/\\w+", "tmp/w"]) + r")\b"
)
LOCKS = {"uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock"}
EMPTY_NAMES = {"utils", "util", "common", "base", "helpers"}

# Dependencies whose only user is not written yet (the reader of the view). The test of a name in here
# fails as soon as it is imported, so that none stays.
AWAITED: set[str] = set()


def _files() -> list[PurePosixPath]:
    """The files under version control that are still there."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [PurePosixPath(name) for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


FILES = _files()
PYTHON = [file for file in FILES if file.suffix == ".py"]


def _text(file: PurePosixPath) -> str:
    return (ROOT / file).read_bytes().decode("utf-8", errors="replace")


def _lines_with(pattern: re.Pattern[str]) -> list[str]:
    numbered = ((file, number, line) for file in FILES for number, line in enumerate(_text(file).splitlines(), 1))
    return [f"{file}:{number}: {line.strip()}" for file, number, line in numbered if pattern.search(line)]


def _imported(file: PurePosixPath) -> Iterator[str]:
    """The top-level names that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(_text(file))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def _under(*folders: str) -> list[PurePosixPath]:
    return [file for file in PYTHON if file.parts[0] in folders]


def test_git_lists_the_files() -> None:
    assert {"pyproject.toml", "outbox/errors.py"} <= {str(file) for file in FILES}


def test_no_file_is_long() -> None:
    code = (file for file in FILES if file.suffix in {".py", ".sql"})
    long = {str(file): lines for file in code if (lines := len(_text(file).splitlines())) > MOST_LINES}
    assert not long


def test_no_function_is_long() -> None:
    functions = (
        (file, node)
        for file in PYTHON
        for node in ast.walk(ast.parse(_text(file)))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    long = {
        f"{file}:{node.name}": lines
        for file, node in functions
        if (lines := (node.end_lineno or 0) - node.lineno + 1) > MOST_LINES_OF_A_FUNCTION
    }
    assert not long


def test_every_module_has_a_name_that_says_something() -> None:
    assert not [str(file) for file in PYTHON if file.stem in EMPTY_NAMES]


def test_no_registry_is_named() -> None:
    assert not _lines_with(re.compile("|".join(re.escape(host) for host in REGISTRIES)))


def test_no_path_of_one_machine_is_named() -> None:
    assert not _lines_with(MACHINE_PATH)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("cd /" + "work/main", True),
        ('x = "/' + 'root/.cache"', True),
        ("in /" + "home/anna/outbox", True),
        ("see docs/" + "work/flow.md", False),
        ("GET http://host/" + "root/info", False),
        ("the /" + "workers page", False),
    ],
)
def test_a_path_of_one_machine_is_recognised(line: str, found: bool) -> None:
    assert bool(MACHINE_PATH.search(line)) is found


def test_no_lock_file_of_another_tool() -> None:
    assert not [str(file) for file in FILES if file.name in LOCKS]


def test_every_pin_is_a_name_and_a_version() -> None:
    pin = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.+!]+")
    assert not [line for line in _text(PurePosixPath("constraints.txt")).splitlines() if not pin.fullmatch(line)]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def _used() -> frozenset[str]:
    """The distributions that the wheel's modules import."""
    owners = packages_distributions()
    imports = set(chain.from_iterable(_imported(file) for file in _under("outbox", "relay", "migrations")))
    return frozenset(_normal(owner) for module in imports for owner in owners.get(module, ()))


def _dependencies() -> Iterator[object]:
    declared = tomllib.loads(_text(PurePosixPath("pyproject.toml")))["project"]["dependencies"]
    for requirement in declared:
        name = _normal(re.split(r"[\[<>=!~ ;]", requirement)[0])
        marks = [pytest.mark.xfail(reason="imported now: take it out of AWAITED")] if name in AWAITED else []
        yield pytest.param(name, marks=marks)


@pytest.mark.parametrize("name", list(_dependencies()))
def test_every_dependency_is_imported_by_what_the_wheel_holds(name: str) -> None:
    assert name in _used()


def test_outbox_does_not_import_relay() -> None:
    assert not [str(file) for file in _under("outbox", "migrations") if "relay" in _imported(file)]


def test_every_make_target_is_in_the_help() -> None:
    makefile = _text(PurePosixPath("Makefile"))
    public = set(re.findall(r"^\.PHONY: help (.*)$", makefile, re.MULTILINE)[0].split()) | {"help"}
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE)) - {"python-found"}
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {line.split()[0] for line in shown.splitlines()} == public == targets
