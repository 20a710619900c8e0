"""The one error tree.

    OutboxError                 exit code 1
      UsageError                wrong arguments: exit code 2
      ConfigError               the settings file or the environment is wrong
      SchemaOutOfDate           the schema `outbox` is missing or of another version
      NotApplied                the index is not applied in this database
      ViewRefused               the document view cannot be captured: holds the problems
      CollectionRefused         the collection is not ours to change
      RightsMissing             our role may not do what has to be done
      ServiceUnavailable        retryable: the outbox knows when to try again
        PostgresUnavailable, BrokerUnavailable, SolrUnavailable
      IndexRefused              the schema of the collection or of the view is wrong, no document's fault
      DocumentRejected          permanent: the document's event is dead
      LeaseLost                 the claim ended elsewhere: the task stops in silence

A message says what failed, where, and what to do next, in one sentence.
"""

from __future__ import annotations

from typing import ClassVar


class OutboxError(Exception):
    """Something went wrong that has a name; `exit_code` is what the command line ends with."""

    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False


class UsageError(OutboxError):
    """The arguments of a command do not fit together."""

    exit_code = 2


class ConfigError(OutboxError):
    """The settings file or the environment is wrong; lists every problem at once."""


class SchemaOutOfDate(OutboxError):
    """The schema `outbox` is missing or not the one that this program needs."""


class NotApplied(OutboxError):
    """The index has never been applied in this database."""


class ViewRefused(OutboxError):
    """The document view cannot be captured as it stands."""


class CollectionRefused(OutboxError):
    """The Solr collection exists and is not ours to change."""


class RightsMissing(OutboxError):
    """Our role in Postgres may not do what has to be done."""


class ServiceUnavailable(OutboxError):
    """A service did not answer, or asked to be left alone: no document's fault, tried again later."""

    retryable = True


class PostgresUnavailable(ServiceUnavailable):
    """Postgres does not answer."""


class BrokerUnavailable(ServiceUnavailable):
    """RabbitMQ does not answer, or did not confirm a message."""


class SolrUnavailable(ServiceUnavailable):
    """Solr does not answer, or answers 401, 403, 404, 429 or 5xx."""


class IndexRefused(OutboxError):
    """Solr's schema or the view's is not what was applied: no document is guilty, the index waits for a cure."""

    retryable = True


class DocumentRejected(OutboxError):
    """Solr or Postgres refuses this document, and would refuse it again."""


class LeaseLost(OutboxError):
    """The claim has ended elsewhere: whatever this worker holds of it is worthless."""
