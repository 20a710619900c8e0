"""The one error of this package; it belongs to the tree in `outbox.errors`."""

from __future__ import annotations

from outbox.errors import OutboxError


class StackError(OutboxError):
    """A local service could not be installed, started or stopped; the message names its log or the cure."""
