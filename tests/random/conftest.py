"""The catalogue of the acceptance tests, for random statements."""

from __future__ import annotations

from tests.acceptance.conftest import catalogue

__all__ = ["catalogue"]
