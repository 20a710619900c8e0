"""Solr's class path: what Maven makes of `pom.xml`, and the compiled launcher.

It is kept in a folder named after the contents of both files, as long as the jars that it names are there.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from services.command import succeed
from services.errors import StackError
from services.solr.jdk import VERSION, compiler, java
from services.state import locked

_HERE = Path(__file__).parent
_POM, _LAUNCHER = _HERE / "pom.xml", _HERE / "SolrLauncher.java"
_CACHE = _HERE.parents[1] / ".services" / "cache"


def class_path(say: Callable[[str], None] | None = None, cache: Path = _CACHE) -> str:
    """The launcher's folder and the jars, separated by colons. The first time Maven fetches some 140 jars, 84 MB."""
    digest = hashlib.sha256(_POM.read_bytes() + _LAUNCHER.read_bytes()).hexdigest()[:16]
    kept = cache / f"solr-{digest}"
    cache.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    cache.mkdir(exist_ok=True)
    with locked(cache / "lock"):
        if not _whole(kept):
            if say:
                say("solr: Maven resolves the class path (about 20 s the first time)")
            _make(kept)
    return f"{kept}:{(kept / 'classpath').read_text('utf-8').strip()}"


def _whole(kept: Path) -> bool:
    try:
        jars = (kept / "classpath").read_text("utf-8").strip().split(":")
    except FileNotFoundError:
        return False
    return (kept / "SolrLauncher.class").exists() and all(map(os.path.exists, jars))


def _make(kept: Path) -> None:
    """Beside its place, then one rename: an interrupted start leaves nothing half made."""
    program = java()
    if program is None:
        raise StackError(f"there is no JDK {VERSION} or later here")
    with tempfile.TemporaryDirectory(prefix="new-", dir=kept.parent) as folder:
        new = Path(folder) / kept.name
        new.mkdir()
        jars = new / "classpath"
        succeed(["mvn", "-q", "-B", "-f", _POM, "dependency:build-classpath", f"-Dmdep.outputFile={jars}"], limit_s=900)
        path = jars.read_text("utf-8").strip()
        succeed([compiler(program), "--release", str(VERSION), "-cp", path, "-d", new, _LAUNCHER], limit_s=120)
        if kept.exists():
            shutil.rmtree(kept)
        new.rename(kept)
