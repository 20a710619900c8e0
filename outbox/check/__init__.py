"""Every problem at once, of view, database, Solr and broker; nothing is changed, and what cannot be asked is a problem.

An index that was never applied is told only what speaks of its view, its settings and the servers.
"""

from outbox.check.report import SERVERS, check, everything

__all__ = ["SERVERS", "check", "everything"]
