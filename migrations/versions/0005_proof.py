"""The last proof of each target."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    op.execute((SQL / "0005_proof.sql").read_text("utf-8"))


def downgrade() -> None:
    op.execute((SQL / "0005_proof_down.sql").read_text("utf-8"))
