"""Solr's class path: what Maven makes of `pom.xml`, kept as long as that file is unchanged and the jars are there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from services.command import succeed

POM = Path(__file__).with_name("pom.xml")
_CACHE = Path(__file__).parents[2] / ".services" / "cache"


def class_path(say: Callable[[str], None] | None = None, cache: Path = _CACHE) -> str:
    """The jars, separated by colons. The first time Maven fetches some 140 of them, 84 MB."""
    kept = cache / f"solr-{hashlib.sha256(POM.read_bytes()).hexdigest()[:16]}.classpath"
    if kept.exists():
        text = kept.read_text("utf-8").strip()
        if all(map(os.path.exists, text.split(":"))):
            return text
    if say:
        say("solr: Maven resolves the class path (about 20 s the first time)")
    cache.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    cache.mkdir(exist_ok=True)
    new = kept.with_name(f"{kept.name}.{os.getpid()}")
    succeed(["mvn", "-q", "-B", "-f", POM, "dependency:build-classpath", f"-Dmdep.outputFile={new}"], limit_s=900)
    new.replace(kept)
    return kept.read_text("utf-8").strip()
