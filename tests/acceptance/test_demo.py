"""`make demo`, in a folder of its own: it ends by itself, shows what it promises, and leaves nothing running."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from services.stack import Stack
from tests.pipeline import ROOT

EDIT = re.compile(
    r"^(?P<name>\S.*?) {2,}(?P<documents>\d+) +(?P<events>\d+) +(?P<solr>[\d.]+) +(?P<searchable>[\d.]+) ", re.M
)


@pytest.mark.timeout(900)  # it starts and stops every server
def test_the_demo_shows_edits_queries_and_an_outage_and_leaves_nothing_running(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    done = subprocess.run(
        [sys.executable, "-m", "examples.demo", "--dir", folder], cwd=ROOT, capture_output=True, text=True, timeout=850
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    edits = {edit["name"]: edit for edit in EDIT.finditer(done.stdout.split("\n3. ")[1].split("\n4. ")[0])}
    assert len(edits) == 7, done.stdout
    assert edits["a save that alters nothing shown"]["events"] == "0"
    assert edits["a category is renamed"]["events"] == "1"
    assert int(edits["a category is renamed"]["documents"]) > 50
    assert edits["500 layers by one UPDATE"]["events"] == "500"
    assert all(float(edit["searchable"]) > 0 for name, edit in edits.items() if "nothing" not in name)
    assert "? a heatmap of the world" in done.stdout
    assert "Connection refused" in done.stdout
    assert "FAILURE" in done.stdout
    assert Stack(folder).status() == []
    assert not (folder / "env").exists()
