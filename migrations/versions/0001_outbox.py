"""The schema of the outbox."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    for file in ("0001_outbox.sql", "envelope.sql"):
        op.execute((SQL / file).read_text("utf-8"))


def downgrade() -> None:
    op.execute((SQL / "0001_outbox_down.sql").read_text("utf-8"))
