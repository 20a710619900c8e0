"""solr-outbox: change data capture from Postgres to Apache Solr.

This package is the library: what the relay, the workers and the command line share. Read it in the order in which a
change travels: `capture` (triggers), `store` (the outbox tables), `worker` (documents into Solr), `solr` (the client).
"""

from __future__ import annotations

from outbox.version import __version__

__all__ = ["__version__"]
