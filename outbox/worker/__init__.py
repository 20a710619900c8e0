"""The worker: begins a claim, reads its documents in one snapshot, posts them, and marks the events done."""

from __future__ import annotations

from outbox.worker.app import app

__all__ = ["app"]
