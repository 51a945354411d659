"""Sums of events by quarter of an hour, from which reports are made, and up to which id they go."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    keys = ("quarter_at", sa.DateTime()), ("device", sa.Text()), ("source", sa.Text())
    op.create_table(
        "quarter_tallies",
        *(sa.Column(name, kind, nullable=False) for name, kind in keys),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("events", "kept", "dropped")),
        sa.PrimaryKeyConstraint("quarter_at", "device", "source", name=op.f("pk_quarter_tallies")),
        sqlite_with_rowid=False,
    )
    steps = [f"step_{number}" for number in range(20)]
    counts = ("events", "kept", "dropped", "detections", *steps)
    op.create_table(
        "label_tallies",
        *(sa.Column(name, kind, nullable=False) for name, kind in keys),
        sa.Column("label", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in counts),
        sa.Column("confidence_sum", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("quarter_at", "device", "source", "label", name=op.f("pk_label_tallies")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tallied",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("up_to", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_tallied")),
    )


def downgrade() -> None:
    op.drop_table("tallied")
    op.drop_table("label_tallies")
    op.drop_table("quarter_tallies")
