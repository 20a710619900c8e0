"""Finding a JDK that can run Solr and compile its launcher."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from services.command import run

VERSION = 17  # Solr 9 needs 11; what runs here was seen on 17


def java() -> str | None:
    """The `java` of a JDK 17 or later: $JAVA_HOME, the path, or where Debian puts it; None if there is none."""
    home = os.environ.get("JAVA_HOME")
    places = [
        *([f"{home}/bin/java"] if home else []),
        *filter(None, [shutil.which("java")]),
        *sorted(map(str, Path("/usr/lib/jvm").glob("java-*-openjdk-*/bin/java"))),
    ]
    return next((place for place in places if _is_jdk(place)), None)


def compiler(program: str) -> Path:
    """The `javac` of the same JDK as the `java` given."""
    return Path(program).resolve().with_name("javac")


def _is_jdk(place: str) -> bool:
    if not os.access(place, os.X_OK) or not compiler(place).exists():
        return False
    return java_version(run([place, "-version"]).stdout) >= VERSION


def java_version(said: str) -> int:
    """The major version in what `java -version` says ("17.0.15", "1.8.0_402" is 8); 0 if there is none."""
    found = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(found[1]) if found else 0
