"""`apply` waits for a table that is in use, and nobody waits behind it."""

from __future__ import annotations

import threading

import psycopg

from outbox.capture.install import install
from outbox.connection import Connection
from tests.integration.captured import INDEX, SQL, definition_of


def test_a_writer_behind_an_apply_that_waits_is_not_held_up(outbox: Connection, outbox_url: str) -> None:
    outbox.execute(SQL["tables"])
    outbox.execute("CREATE VIEW s.d AS SELECT uuid AS id, title FROM s.layer")
    definition = definition_of(outbox)
    tried = threading.Event()
    arguments = (outbox_url, INDEX, definition, lambda _: tried.set())
    applying = threading.Thread(target=install, args=arguments)
    with psycopg.connect(outbox_url) as user, psycopg.connect(outbox_url, autocommit=True) as other:
        user.execute("LOCK TABLE s.layer IN ROW EXCLUSIVE MODE")
        other.execute("SET lock_timeout = '10s'")
        applying.start()
        waits = "SELECT FROM pg_locks WHERE NOT granted AND relation = 's.layer'::regclass"
        while not tried.is_set() and not outbox.execute(waits).fetchall():
            applying.join(0.01)
        other.execute("UPDATE s.layer SET title = 'x'")  # it stands behind the lock that apply asks for
        assert applying.is_alive()
    applying.join(60)
    assert not applying.is_alive()
