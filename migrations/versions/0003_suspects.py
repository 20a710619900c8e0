"""Suspects, and the claim that opened a breaker."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    op.execute((SQL / "0003_suspects.sql").read_text("utf-8"))


def downgrade() -> None:
    op.execute((SQL / "0003_suspects_down.sql").read_text("utf-8"))
