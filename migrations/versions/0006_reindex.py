"""What a reindex needs."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    op.execute((SQL / "0006_reindex.sql").read_text("utf-8"))


def downgrade() -> None:
    op.execute((SQL / "0006_reindex_down.sql").read_text("utf-8"))
