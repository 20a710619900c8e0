"""How far the ledger was pruned, and the settings of TOAST tables."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    op.execute((SQL / "0004_retention.sql").read_text("utf-8"))


def downgrade() -> None:
    op.execute((SQL / "0004_retention_down.sql").read_text("utf-8"))
