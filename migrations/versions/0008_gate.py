"""What gates decided of pictures before anything was paid for."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "gate_decisions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("plugin", sa.Text(), nullable=False),
        sa.Column("gate", sa.Text(), nullable=False),
        sa.Column("image_key", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("threshold", sa.Float(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("audit", sa.Boolean(), nullable=False),
        sa.Column("decided_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gate_decisions")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_gate_decisions_image_key_plugin"), "gate_decisions", ["image_key", "plugin"], unique=True
    )
    op.create_index(op.f("ix_gate_decisions_gate_decided_at"), "gate_decisions", ["gate", "decided_at"])


def downgrade() -> None:
    op.drop_table("gate_decisions")
