"""Detached indexes, and what the relay noticed."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    op.execute((SQL / "0002_detach.sql").read_text("utf-8"))


def downgrade() -> None:
    op.execute((SQL / "0002_detach_down.sql").read_text("utf-8"))
