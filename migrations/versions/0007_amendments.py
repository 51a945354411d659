"""What an amendment amends: the id of its event's first row."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "events",
        sa.Column("amends", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
    )
    only_amendments = sa.text("amends IS NOT NULL")
    op.create_index(
        op.f("ix_events_amends"),
        "events",
        ["amends"],
        unique=False,
        sqlite_where=only_amendments,
        postgresql_where=only_amendments,
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_events_amends"), "events")
    op.drop_column("events", "amends")
