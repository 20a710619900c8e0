"""The wheel holds the library, the relay, the migrations and the configset, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from outbox import resources
from outbox.errors import OutboxError

ROOT = Path(__file__).parents[2]
# Where the folders of the checkout are found in the wheel.
PLACES = {"outbox": "outbox", "relay": "relay", "migrations": "outbox/migrations", "solr/conf": "outbox/configset"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


def _of_the_checkout(folder: str) -> set[str]:
    """The files under `folder` that git does not ignore, as they are named under it."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", folder]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return {name.removeprefix(f"{folder}/") for name in listed if (ROOT / name).is_file()}


def test_the_top_level_packages_are_outbox_and_relay(names: set[str]) -> None:
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"outbox", "relay"}
    assert len(tops) == 3


def test_the_wheel_holds_every_file_of_ours_and_nothing_else(names: set[str]) -> None:
    expected = {f"{place}/{name}" for folder, place in PLACES.items() for name in _of_the_checkout(folder)}
    assert {name for name in names if ".dist-info/" not in name} == expected


@pytest.mark.parametrize(
    "needed",
    [
        "outbox/py.typed",
        "relay/py.typed",
        "outbox/migrations/env.py",
        "outbox/migrations/script.py.mako",
        "outbox/configset/solrconfig.xml",
    ],
)
def test_the_wheel_holds(names: set[str], needed: str) -> None:
    assert needed in names


@pytest.mark.parametrize("folder", ["outbox/migrations/versions/", "outbox/migrations/sql/", "outbox/store/"])
def test_the_wheel_holds_migrations_and_named_sql(names: set[str], folder: str) -> None:
    kind = ".py" if folder.endswith("versions/") else ".sql"
    assert any(name.startswith(folder) and name.endswith(kind) for name in names)


def test_the_wheel_holds_the_licence(names: set[str]) -> None:
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_an_editable_install_copies_nothing(tmp_path: Path) -> None:
    program = "import sys; from hatchling.build import build_editable; print(build_editable(sys.argv[1]))"
    command = [sys.executable, "-c", program, str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    with ZipFile(tmp_path / built.stdout.strip()) as archive:
        copied = [name for name in archive.namelist() if ".dist-info/" not in name]
    assert copied == ["_solr_outbox.pth"]


def test_an_installed_wheel_finds_its_own_copies(wheel: Path, tmp_path: Path) -> None:
    with ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    program = "from outbox import resources; print(resources.migrations()); print(resources.configset())"
    found = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.split() == [str(tmp_path / "outbox/migrations"), str(tmp_path / "outbox/configset")]


def test_a_checkout_is_read_where_it_stands() -> None:
    assert resources.migrations() == ROOT / "migrations"
    assert resources.configset() == ROOT / "solr" / "conf"


def test_an_incomplete_installation_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "outbox")
    with pytest.raises(OutboxError, match=r"incomplete: no solrconfig\.xml in .*configset; install it again"):
        resources.configset()


def test_a_neighbour_of_an_installed_package_is_not_taken_for_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "env.py").touch()
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "outbox")
    with pytest.raises(OutboxError, match=r"no env\.py"):
        resources.migrations()
