"""Sessions and their last messages, image links that wait for a record, and the health of devices."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("devices", sa.Column("health", sa.JSON(), nullable=True))
    op.add_column("devices", sa.Column("health_at", sa.DateTime(), nullable=True))
    op.create_table(
        "pending_image_links",
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(), nullable=False),
        sa.Column("session", sa.Text(), nullable=True),
        sa.Column("mid", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("device", name=op.f("pk_pending_image_links")),
    )
    op.create_table(
        "sessions",
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("began_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_sessions")),
    )
    op.create_table(
        "recent_messages",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("session", sa.Text(), nullable=False),
        sa.Column("run", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recent_messages")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_recent_messages_session"), "recent_messages", ["session"], unique=False)


def downgrade() -> None:
    op.drop_table("recent_messages")
    op.drop_table("sessions")
    op.drop_table("pending_image_links")
    with op.batch_alter_table("devices") as devices:
        devices.drop_column("health_at")
        devices.drop_column("health")
