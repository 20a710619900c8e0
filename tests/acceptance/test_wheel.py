"""The built wheel, in an empty virtual environment outside the checkout: migrate, apply, relay, index."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from examples.catalogue import generate
from outbox.solr.client import Address, Solr
from tests.acceptance.conftest import CONFIG, Catalogue
from tests.pipeline import ROOT, Pipeline


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment that holds the wheel and what it requires, and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    build: list[str | Path] = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    programs = folder / "venv" / "bin"
    install: list[str | Path] = [
        programs / "python",
        "-m",
        "pip",
        "install",
        "-q",
        "-c",
        ROOT / "constraints.txt",
        wheel,
    ]
    subprocess.run(install, check=True)
    return programs


def test_the_wheel_alone_migrates_applies_relays_and_indexes(
    programs: Path, empty_database_url: str, broker_url: str, solr_url: str, tmp_path: Path
) -> None:
    shutil.copy(CONFIG, tmp_path / "outbox.toml")  # found in the working directory, as a user has it
    environment = {
        "OUTBOX_DATABASE_URL": empty_database_url,
        "OUTBOX_BROKER_URL": broker_url,
        "OUTBOX_SOLR_URL": solr_url,
    }
    pipeline = Pipeline(environment, tmp_path, programs)
    pipeline.run("migrate")
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        generate.load(connection, layers=50)
        try:
            pipeline.run("apply")
            pipeline.start(live=1)
            pipeline.run("wait", "--timeout", "120")
            connection.execute("UPDATE catalogue.layer SET title = 'by the wheel' WHERE id = 1")
            pipeline.run("wait", "--timeout", "60")
            catalogue = Catalogue(connection, pipeline, Solr(Address(solr_url)))
            assert catalogue.differences() == []
            assert "running" in pipeline.run("status").stdout
        finally:
            pipeline.stop_all()
