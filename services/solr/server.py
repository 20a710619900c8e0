"""One Solr node: SolrCloud with an embedded ZooKeeper, or standalone; it starts without any collection.

`SolrLauncher.java` makes the file `ready` when every core is loaded: HTTP opens earlier and answers 503. The heap is
512 MB to 1 GB. Jetty and ZooKeeper listen on 127.0.0.1.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import requests

from services.ports import ZOOKEEPER_OFFSET
from services.solr.classpath import class_path
from services.solr.jdk import java
from services.state import Folder, State, write_private
from services.unit import Program

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Solr:
    """The node."""

    folder: Folder
    state: State
    name: str = "solr"
    needs: tuple[str, ...] = ()

    @property
    def home(self) -> Path:
        """Each mode has a solr.home of its own: neither can read the other's."""
        return self.folder.path / "solr" / self.state.solr_mode

    @property
    def url(self) -> str:
        """Ends in /solr."""
        return f"http://127.0.0.1:{self.state.ports['solr']}/solr"

    @property
    def where(self) -> str:
        """The address and what it is."""
        return f"{self.url} ({'SolrCloud' if self.state.solr_mode == 'cloud' else 'standalone'})"

    def _options(self) -> list[str]:
        root, port = self.folder.path / "solr", self.state.ports["solr"]
        return [
            "-Xms512m",
            "-Xmx1g",
            "-XX:+UseG1GC",
            "-XX:-UsePerfData",  # its file would lie in /tmp
            "-Duser.timezone=UTC",
            f"-Djava.io.tmpdir={root / 'tmp'}",
            f"-Dsolr.log.dir={root / 'logs'}",
            f"-Dlog4j2.configurationFile={_HERE / 'log4j2.xml'}",
            "-Dhost=127.0.0.1",
            f"-DhostPort={port}",
            *(["-DzkRun"] if self.state.solr_mode == "cloud" else []),
            "-cp",
            class_path(),
        ]

    def program(self) -> Program:
        """Options and class path are in a file: thousands of characters that nobody wants to see in `ps`."""
        root, port = self.folder.path / "solr", str(self.state.ports["solr"])
        arguments = ("SolrLauncher", str(self.home), port, str(root / "ready"))
        return Program(self.name, (java() or "java", f"@{root / 'options'}", *arguments), root)

    def prepare(self) -> None:
        """Lay out the home, write the options, and forget an earlier readiness."""
        root = self.folder.path / "solr"
        for path in (root, self.home, root / "logs"):
            path.mkdir(mode=0o700, exist_ok=True)
        shutil.rmtree(root / "tmp", ignore_errors=True)
        (root / "tmp").mkdir(mode=0o700)
        for file in ("solr.xml", "zoo.cfg"):
            shutil.copyfile(_HERE / "home" / file, self.home / file)
        write_private(root / "options", "".join(f"{_argument(option)}\n" for option in self._options()))
        (root / "ready").unlink(missing_ok=True)

    def answers(self) -> str:
        """Loaded, and an answer over HTTP; in SolrCloud with itself among the live nodes."""
        if not (self.folder.path / "solr" / "ready").exists():
            return "it is still loading"
        try:
            return self._asked()
        except requests.RequestException as error:
            return str(error)

    def _asked(self) -> str:
        cloud = self.state.solr_mode == "cloud"
        path = "admin/collections?action=CLUSTERSTATUS" if cloud else "admin/cores?action=STATUS"
        with requests.Session() as session:
            session.trust_env = False  # no proxy between us and loopback
            answer = session.get(f"{self.url}/{path}&wt=json", timeout=10)
        if answer.status_code != 200:
            return f"HTTP {answer.status_code}"
        if cloud and not answer.json()["cluster"]["live_nodes"]:
            return "ZooKeeper knows no live node"
        return ""

    @property
    def zookeeper(self) -> str:
        """Host and port of the embedded ZooKeeper."""
        return f"127.0.0.1:{self.state.ports['solr'] + ZOOKEEPER_OFFSET}"


def _argument(text: str) -> str:
    """One word of a Java @file, whose quoted words know backslash escapes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
