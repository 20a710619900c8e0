"""The whole pipeline as roles that are no superusers, and an upgrade of the application under it: detach and apply."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from outbox.sql import parse
from outbox.store import indexes
from tests.acceptance.conftest import Catalogue
from tests.pipeline import Pipeline

HERE = Path(__file__).parent
SQL = parse((HERE / "roles.sql").read_text("utf-8"), "roles.sql")
EDITS = parse((HERE / "edits.sql").read_text("utf-8"), "edits.sql")
NAMES = ("owner", "writer", "applier", "relay", "worker")
WORKERS = {"live": "outbox.live", "bulk": "outbox.bulk"}


@dataclass(frozen=True)
class Company:
    """The catalogue, and the roles of all who work on it."""

    catalogue: Catalogue
    roles: dict[str, str]

    def identifiers(self) -> dict[str, sql.Composable]:
        """The roles, as parts of statements."""
        return {name: sql.Identifier(role) for name, role in self.roles.items()}

    def pipeline(self, name: str) -> Pipeline:
        """Commands and processes that connect as that role."""
        theirs = self.catalogue.pipeline
        address = urlsplit(theirs.environment["OUTBOX_DATABASE_URL"])
        host = address.netloc.rpartition("@")[2]
        url = address._replace(netloc=f"{self.roles[name]}@{host}").geturl()
        return Pipeline({**theirs.environment, "OUTBOX_DATABASE_URL": url}, theirs.logs, processes=theirs.processes)

    def as_role(self, name: str, *statements: str) -> None:
        """Run statements as that role."""
        connection = self.catalogue.connection
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(self.roles[name])))
        try:
            for statement in statements:
                connection.execute(statement.encode(), prepare=False)
        finally:
            connection.execute("RESET ROLE")

    def state(self) -> str:
        """What `status` shows."""
        (row,) = indexes.status(self.catalogue.connection)
        return str(row["state"])

    def drained(self) -> None:
        """Wait until nothing waits; Solr equals the view."""
        self.pipeline("relay").run("wait", "--timeout", "120")
        assert self.catalogue.differences() == []


@pytest.fixture
def company(catalogue: Catalogue) -> Iterator[Company]:
    """The catalogue belongs to its owner; nothing is granted on the schema outbox yet."""
    found = Company(catalogue, {name: f"c_{name}_{secrets.token_hex(4)}" for name in NAMES})
    connection = catalogue.connection
    connection.execute(sql.SQL(SQL["make"]).format(**found.identifiers()))
    connection.execute(sql.SQL(SQL["give"]).format(**found.identifiers()))
    for (statement,) in connection.execute(SQL["owned"], {"owner": found.roles["owner"]}).fetchall():
        connection.execute(statement)
    try:
        yield found
    finally:
        catalogue.pipeline.stop_all()
        connection.execute(sql.SQL(SQL["drop"]).format(**found.identifiers()))


def test_plain_roles_do_it_all_and_the_application_is_upgraded_under_them(company: Company) -> None:
    _refused_without_grants(company)
    _applied_and_drained(company)
    _writers_need_nothing(company)
    _capture_is_switched(company)
    _upgraded(company)
    _another_kind_of_field_is_refused_with_its_cure(company)


def _refused_without_grants(company: Company) -> None:
    said = company.pipeline("applier").run("apply", expect=1).stderr
    assert "permission denied for schema outbox" in said or "permission denied for table" in said
    assert "`outbox migrate --grant-apply-to ROLE`" in said and "Traceback" not in said


def _applied_and_drained(company: Company) -> None:
    migrate = company.catalogue.pipeline
    migrate.run("migrate", "--grant-apply-to", company.roles["applier"], "--grant-to", company.roles["relay"])
    printed = migrate.run("migrate", "--sql", "--grant-to", company.roles["worker"]).stdout
    company.catalogue.connection.execute(printed[printed.index("-- grants") :].encode(), prepare=False)
    assert f"GRANT SELECT ON catalogue.layer_document TO {company.roles['worker']}" in (
        company.pipeline("applier").run("plan").stdout
    )
    company.pipeline("applier").run("apply")
    company.pipeline("applier").run("plan", "--exit-code", expect=0)
    company.pipeline("relay").start(live=0, bulk=0)
    for lane, queue in WORKERS.items():
        arguments = f"-A outbox.worker worker -Q {queue} -n {lane}@%h -c 1 --without-mingle --without-gossip"
        company.pipeline("worker").spawn(f"worker-{lane}", "celery", *arguments.split())
    company.drained()


def _writers_need_nothing(company: Company) -> None:
    connection = company.catalogue.connection
    assert connection.execute(SQL["rights_of_the_writer"], {"writer": company.roles["writer"]}).fetchone() == (False,)
    for statement in EDITS.values():
        company.as_role("writer", statement)
    company.drained()
    company.as_role("writer", "CREATE TEMPORARY TABLE mine (id integer)")
    attach = connection.execute(
        "SELECT format('CREATE TRIGGER t AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION outbox.%I()', proname)"
        " FROM pg_proc WHERE proname LIKE 'capture%' LIMIT 1"
    ).fetchone()
    assert attach is not None
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="schema outbox"):
        company.as_role("writer", attach[0])


def _capture_is_switched(company: Company) -> None:
    environment = company.catalogue.pipeline.environment
    config = company.catalogue.pipeline.logs / "always.toml"
    config.write_text(Path(environment["OUTBOX_CONFIG"]).read_text("utf-8") + 'capture = "always"\n')
    environment["OUTBOX_CONFIG"] = str(config)
    said = company.pipeline("applier").run("apply").stderr
    assert 'all documents are enqueued, since capture is now "always"' in said
    company.drained()
    assert "nothing to do" in company.pipeline("applier").run("apply").stdout


def _upgraded(company: Company) -> None:
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="used by a view"):
        company.as_role("owner", "ALTER TABLE catalogue.person ALTER COLUMN username TYPE text")
    company.pipeline("applier").run("detach", "layers")
    shown = json.loads(company.pipeline("relay").run("status", "--json").stdout)["indexes"][0]
    assert (shown["state"], shown["view_changed"], shown["notices"]) == ("detached", False, [])
    company.as_role("owner", SQL["upgrade"])
    applied = company.pipeline("applier").run("apply")
    assert "all documents are enqueued, since it was detached" in applied.stderr
    assert company.state() == "running"
    company.drained()
    company.as_role("writer", "UPDATE catalogue.person SET username = 'later' WHERE id = 1")
    company.drained()


def _another_kind_of_field_is_refused_with_its_cure(company: Company) -> None:
    company.pipeline("applier").run("detach", "layers")
    assert "is detached already" in company.pipeline("applier").run("detach", "layers").stdout
    company.as_role("owner", SQL["another_kind"])
    said = company.pipeline("applier").run("apply", expect=1).stderr
    assert "abstract is text_general, the view needs plong" in said and "`outbox reindex`" in said
    assert company.state() == "detached"
    assert "never applied" in company.pipeline("applier").run("detach", "nothing", expect=1).stderr
