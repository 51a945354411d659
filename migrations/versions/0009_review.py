"""What was chosen for review, what reviewers said, and who has what before them."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "captures",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("plugin", sa.Text(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("likeness", sa.LargeBinary(), nullable=True),
        sa.Column("chosen_at", sa.DateTime(), nullable=False),
        sa.Column("closed_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_captures")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_captures_event_id_plugin"), "captures", ["event_id", "plugin"], unique=True)
    op.create_index(op.f("ix_captures_plugin_chosen_at"), "captures", ["plugin", "chosen_at"])
    for kind in ("device", "label"):
        op.create_index(
            op.f(f"ix_captures_plugin_{kind}_chosen_at"), "captures", ["plugin", kind, "chosen_at"]
        )
    waiting = sa.text("closed_at IS NULL")
    op.create_index(
        op.f("ix_captures_score"), "captures", ["score"], sqlite_where=waiting, postgresql_where=waiting
    )
    op.create_table(
        "reviews",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("detections", sa.JSON(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("undone_at", sa.DateTime(), nullable=True),
        sa.Column("applied_at", sa.DateTime(), nullable=True),
        sa.Column("amendment_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_reviews_event_id_reviewer"), "reviews", ["event_id", "reviewer"])
    op.create_index(op.f("ix_reviews_reviewer_made_at"), "reviews", ["reviewer", "made_at"])
    op.create_index(op.f("ix_reviews_applied_at"), "reviews", ["applied_at"])
    op.create_index(op.f("ix_reviews_verdict_made_at"), "reviews", ["verdict", "made_at"])
    op.create_table(
        "leases",
        sa.Column("event_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "reviewer", name=op.f("pk_leases")),
    )
    op.create_index(op.f("ix_leases_reviewer"), "leases", ["reviewer"])


def downgrade() -> None:
    op.drop_table("leases")
    op.drop_table("reviews")
    op.drop_table("captures")
