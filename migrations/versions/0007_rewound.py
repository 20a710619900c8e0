"""What was found where Solr lacked what was written to it."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    op.execute((SQL / "0007_rewound.sql").read_text("utf-8"))


def downgrade() -> None:
    op.execute((SQL / "0007_rewound_down.sql").read_text("utf-8"))
