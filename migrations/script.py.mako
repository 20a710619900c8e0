"""${message}"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    op.execute((SQL / "${up_revision}.sql").read_text("utf-8"))


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the migration")
