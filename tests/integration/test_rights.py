"""What `apply` gives the roles of relay and workers, and what it leaves to whom."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from outbox import migrate, rights
from outbox.capture.install import install
from outbox.connection import Connection
from outbox.errors import RightsMissing
from outbox.index import Definition
from outbox.problems import Code
from outbox.sql import queries
from outbox.store import indexes
from tests.integration.captured import definition_of

SQL = queries("tests.integration", "rights.sql")
NAMES = ("owner", "applier", "relay", "stranger")


@dataclass(frozen=True, slots=True)
class Office:
    """Tables of an owner; a role that applies, one of relay and workers, and a stranger. `url`: the superuser's."""

    connection: Connection
    url: str
    roles: dict[str, str]

    def run(self, query: str) -> None:
        """Run a named statement with the roles' names in it."""
        self.connection.execute(self.composed(query), prepare=False)

    def composed(self, query: str) -> sql.Composed:
        """The statement with the roles' names in it."""
        return sql.SQL(SQL[query]).format(**{name: sql.Identifier(role) for name, role in self.roles.items()})

    def become(self, name: str) -> None:
        """Be that role from now on."""
        self.connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(self.roles[name])))

    def install(self, definition: Definition) -> None:
        """Triggers and functions, as the role that applies."""
        address = urlsplit(self.url)
        host = address.netloc.rpartition("@")[2]
        url = address._replace(netloc=f"{self.roles['applier']}@{host}").geturl()
        install(url, indexes.register(self.connection, "d"), definition, lambda _: None)

    def missing(self) -> list[str]:
        """The statements that lack, with the relay's role as RELAY."""
        found = rights.missing(self.connection, definition_of(self.connection))
        return [statement.replace(self.roles["relay"], "RELAY") for statement in found]


@pytest.fixture
def office(outbox: Connection, outbox_url: str) -> Iterator[Office]:
    """On each server in turn; we are the role that applies."""
    found = Office(outbox, outbox_url, {name: f"o_{name}_{secrets.token_hex(4)}" for name in NAMES})
    found.run("make")
    outbox.execute(migrate.grants(found.roles["relay"]).encode())
    outbox.execute(migrate.grants(found.roles["applier"], to_apply=True).encode())
    found.become("applier")
    try:
        yield found
    finally:
        outbox.execute("RESET ROLE")
        found.run("drop")


EVERYTHING = [
    "GRANT SELECT ON s.d TO RELAY",
    "GRANT SELECT ON s.item TO RELAY",
    "GRANT SELECT ON s.note TO RELAY",
    "GRANT USAGE ON SCHEMA s TO RELAY",
]


def test_what_our_role_may_not_give_is_one_sentence_and_the_rest_is_given(office: Office) -> None:
    assert office.missing() == EVERYTHING
    definition = definition_of(office.connection)
    with pytest.raises(RightsMissing) as caught:
        rights.grant(office.connection, definition)
    assert str(caught.value).endswith(f": let the owner run: GRANT USAGE ON SCHEMA s TO {office.roles['relay']}")
    office.run("usage")
    assert office.missing() == []


def test_beneath_a_view_that_reads_as_its_reader_its_views_count_too(office: Office) -> None:
    office.connection.execute("ALTER VIEW s.d SET (security_invoker = true)")
    assert office.missing() == sorted([*EVERYTHING, "GRANT SELECT ON s.named TO RELAY"])
    office.connection.execute("ALTER VIEW s.d SET (security_invoker = false)")
    assert office.missing() == EVERYTHING


def test_row_security_that_hides_rows_from_the_relay_alone_is_refused(office: Office) -> None:
    assert rights.hidden(office.connection, definition_of(office.connection)) == []
    office.run("row_security")
    (problem,) = rights.hidden(office.connection, definition_of(office.connection))  # no problem for us: we own it
    assert (problem.code, problem.where, problem.cure) == (Code.ROW_SECURITY, "s.note", "Give that role BYPASSRLS.")
    office.run("bypass")
    assert rights.hidden(office.connection, definition_of(office.connection)) == []


def test_a_role_that_was_taken_the_outbox_is_forgotten(office: Office) -> None:
    office.run("forget")
    assert office.missing() == []


def test_capture_is_installed_by_a_member_of_the_owner_and_hinders_neither_owner_nor_writer(office: Office) -> None:
    office.install(definition_of(office.connection))
    assert office.connection.execute(SQL["owners"]).fetchall() == [(office.roles["applier"],)]
    office.run("new_partition")  # its row triggers are made by the owner, who needs no right on their functions' schema
    assert office.connection.execute(SQL["events"]).fetchall() == [("1",), ("11",)]


def test_who_has_no_right_on_the_schema_cannot_attach_our_functions_to_a_table_of_his(office: Office) -> None:
    office.install(definition_of(office.connection))
    row = office.connection.execute(SQL["attach"]).fetchone()
    assert row is not None
    office.become("stranger")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="schema outbox"):
        office.connection.execute(row[0], prepare=False)
