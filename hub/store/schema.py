"""The tables. migrations/ makes them; a test compares the two.

Which rows are in an index is said here for SQLite only: naming PostgreSQL has SQLAlchemy import all of its
dialect, a twentieth of what starting a small command takes. The migrations say it for both.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    text,
)

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMING)
BigId = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER can be AUTOINCREMENT in SQLite


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime in Python; SQLite keeps text and would hand back naive ones.

    The text is the one SQLAlchemy's own DateTime writes, made in a third of the time.
    """

    impl = DateTime
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], str | None]:
        return _to_text

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], datetime | None]:
        return _from_text


def _to_text(value: datetime | None) -> str | None:
    if value is None:
        return None
    utc = value if value.tzinfo is UTC else value.astimezone(UTC)
    return utc.isoformat(" ", "microseconds")[:26]


def _from_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)


# The log. Ids grow in commit order and are never used again. A row of kind "amendment" holds its event as it
# stands from then on; `amends` is the id of the event's first row, which alone has the key.
_AMENDMENTS = text("amends IS NOT NULL")  # other rows cost the index nothing
events = Table(
    "events",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("key", Text, unique=True),
    Column("source", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("captured_at", UtcDateTime, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("model_name", Text),
    Column("model_version", Text),
    Column("frame_digest", Text),
    Column("frame_width", Integer),
    Column("frame_height", Integer),
    Column("frame_media_type", Text),
    Column("frame_dropped", Text),
    Column("attributes", JSON, nullable=False),
    Column("message_id", BigId, ForeignKey("messages.id")),
    Column("amends", BigId),
    Index(None, "device", "captured_at"),
    Index(None, "amends", sqlite_where=_AMENDMENTS),
    sqlite_autoincrement=True,
)

detections = Table(
    "detections",
    metadata,
    Column("event_id", BigId, ForeignKey("events.id"), primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("label", Text, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("box_left", Float),
    Column("box_top", Float),
    Column("box_width", Float),
    Column("box_height", Float),
    Column("class_id", Integer),
    Column("track", Text),
    Column("attributes", JSON, nullable=False),
    sqlite_with_rowid=False,
)

# The original bytes of what became events (without the picture), so that a better decoder can be run over
# history. `mid`, `session` and `duplicate` are what MQTT said of a message that has no identity of its own;
# `session` is a name in `sessions`.
messages = Table(
    "messages",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("source", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("mid", Integer),
    Column("session", Text),
    Column("duplicate", Boolean, nullable=False),
    sqlite_autoincrement=True,
)

devices = Table(
    "devices",
    metadata,
    Column("name", Text, primary_key=True),
    Column("state", Text),
    Column("state_text", Text),
    Column("state_at", UtcDateTime),
    Column("first_seen_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),
    Column("agent", Text),
    Column("models", JSON),
    Column("clock_skew_s", Float, nullable=False, server_default="0"),
    Column("health", JSON),
    Column("health_at", UtcDateTime),
)

# Links to pictures that wait for the record they belong to.
pending_image_links = Table(
    "pending_image_links",
    metadata,
    Column("device", Text, primary_key=True),
    Column("link", Text, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("session", Text),
    Column("mid", Integer),
)

device_history = Table(
    "device_history",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("device", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index(None, "device", "id"),
    sqlite_autoincrement=True,
)

# How far each edge agent's numbering is committed: one row for each (device, epoch).
epochs = Table(
    "epochs",
    metadata,
    Column("device", Text, primary_key=True),
    Column("epoch", Text, primary_key=True),
    Column("committed", BigInteger, nullable=False),
    Column("stale", BigInteger, nullable=False, server_default="0"),
    Column("early", BigInteger, nullable=False, server_default="0"),
    Column("first_seen_at", UtcDateTime, nullable=False),
)

gaps = Table(
    "gaps",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("device", Text, nullable=False),
    Column("epoch", Text, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("reported_at", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("source", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("device", Text),
    Column("code", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("payload_bytes", BigInteger, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("mid", Integer),
    Column("session", Text),
    Column("duplicate", Boolean, nullable=False),
    Index(None, "code"),
    sqlite_autoincrement=True,
)

# What the sessions that brokers keep for us are called; a session that is lost is followed by a new name.
sessions = Table(
    "sessions",
    metadata,
    Column("place", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("began_at", UtcDateTime, nullable=False),
)

# The last plain messages of each session, a row a commit: pairs of message id and digest in `entries`.
recent_messages = Table(
    "recent_messages",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("session", Text, nullable=False),
    Column("run", BigInteger, nullable=False),
    Column("last", Integer, nullable=False),
    Column("entries", LargeBinary, nullable=False),
    Index(None, "session"),
    sqlite_autoincrement=True,
)

# Where each plugin instance stands in the log. `done` and `filtered` count what passed without a row.
cursors = Table(
    "cursors",
    metadata,
    Column("plugin", Text, primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("run_id", Text, primary_key=True),
    Column("start", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("filtered", BigInteger, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

# From which event id on which `match` held.
plugin_revisions = Table(
    "plugin_revisions",
    metadata,
    Column("plugin", Text, primary_key=True),
    Column("from_id", BigInteger, primary_key=True, autoincrement=False),
    Column("match", JSON, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
)

plugin_states = Table(
    "plugin_states",
    metadata,
    Column("plugin", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", UtcDateTime, nullable=False),
)

# How an instance's decoder and sources are doing, and what it says of itself.
plugin_parts = Table(
    "plugin_parts",
    metadata,
    Column("plugin", Text, primary_key=True),
    Column("part", Text, primary_key=True),
    Column("well", Boolean, nullable=False),
    Column("text", Text, nullable=False),
    Column("since", UtcDateTime, nullable=False),
)

# What is worth remembering of a delivery; one that simply succeeded has no row.
deliveries = Table(
    "deliveries",
    metadata,
    Column("plugin", Text, primary_key=True),
    Column("event_id", BigInteger, primary_key=True, autoincrement=False),
    Column("run_id", Text, primary_key=True),
    Column("outcome", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("due_at", UtcDateTime),
    Column("updated_at", UtcDateTime, nullable=False),
    Index(None, "plugin", "outcome"),
    Index(None, "event_id"),
)

# Effects that cannot be repeated: committed before they begin.
effects = Table(
    "effects",
    metadata,
    Column("plugin", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("event_id", BigInteger, nullable=False),
    Column("group", Text, nullable=False),
    Column("amount", Float, nullable=False),
    Column("state", Text, nullable=False),
    Column("began_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Index(None, "plugin", "group", "began_at"),
)

# What people ask of a running hub, and its answers: a list of lines. `progress` counts what a command of many
# steps has done, in the transaction of each step.
commands = Table(
    "commands",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("action", Text, nullable=False),
    Column("arguments", JSON, nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("answered_at", UtcDateTime),
    Column("ok", Boolean),
    Column("progress", BigInteger, nullable=False, server_default="0"),
    Column("answer", JSON),
    Index(None, "answered_at"),
    sqlite_autoincrement=True,
)

# Instances that deliver nothing until they are resumed.
pauses = Table(
    "pauses",
    metadata,
    Column("plugin", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("since", UtcDateTime, nullable=False),
)

# Second cursors over a range of events, `first` and `last` included. The cursor of replay 7 has the run id
# "7": there, `done` counts what was delivered before; what the replay itself delivers always has a row.
replays = Table(
    "replays",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("plugin", Text, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("per_second", Float, nullable=False),
    Column("again", Boolean, nullable=False),
    Column("any_age", Boolean, nullable=False),
    Column("since", UtcDateTime),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("end", Text, nullable=False, server_default=""),
    Index(None, "plugin"),
    sqlite_autoincrement=True,
)

# Until when an operator wants nothing from an instance; `lenshub snooze` writes it.
snoozes = Table(
    "snoozes",
    metadata,
    Column("plugin", Text, primary_key=True),
    Column("until", UtcDateTime, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
)

# Events that a rule of suppression held back from an instance with digests; told once `digest_id` is set.
held = Table(
    "held",
    metadata,
    Column("plugin", Text, primary_key=True),
    Column("event_id", BigInteger, primary_key=True, autoincrement=False),
    Column("rule", Text, nullable=False),
    Column("group", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("camera", Text),
    Column("label", Text),
    Column("confidence", Float),
    Column("captured_at", UtcDateTime, nullable=False),
    Column("held_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("digest_id", BigInteger),
    Index(None, "plugin", "digest_id"),
)

digests = Table(
    "digests",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("plugin", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("latest_id", BigInteger, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("due_at", UtcDateTime),
    Column("updated_at", UtcDateTime, nullable=False),
    Index(None, "plugin", "outcome"),
    sqlite_autoincrement=True,
)

# Calls about pictures. `state` is begun, answered, or free, of one that costs nothing; `answer` is dropped
# once the event is stored, the rest stays for budgets.
calls = Table(
    "calls",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("plugin", Text, nullable=False),
    Column("image_key", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("price", Float, nullable=False),
    Column("began_at", UtcDateTime, nullable=False),
    Column("answer", Text),
    Index(None, "plugin", "image_key"),
    Index(None, "plugin", "began_at"),
    sqlite_autoincrement=True,
)

# Times in which an instance's model was started for the pictures that waited; `state` is beginning, running,
# ending or ended, `memory` what the plugin remembers of it.
batches = Table(
    "batches",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("plugin", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("backlog", BigInteger, nullable=False),
    Column("memory", JSON, nullable=False),
    Column("note", Text, nullable=False),
    Column("began_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Index(None, "plugin", "state"),
    sqlite_autoincrement=True,
)

# What a gate decided of a picture before anything was paid for; `score` is empty where it had none.
gate_decisions = Table(
    "gate_decisions",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("plugin", Text, nullable=False),
    Column("gate", Text, nullable=False),
    Column("image_key", Text, nullable=False),
    Column("score", Float),
    Column("threshold", Float, nullable=False),
    Column("passed", Boolean, nullable=False),
    Column("audit", Boolean, nullable=False),
    Column("decided_at", UtcDateTime, nullable=False),
    Index(None, "image_key", "plugin", unique=True),
    Index(None, "gate", "decided_at"),
    sqlite_autoincrement=True,
)

# Events whose pictures an instance chose for review. `reasons` are its strategies' names, the first the one
# that chose it; `score` says how much it teaches (higher first); `likeness` is the picture's hash, 32 bytes.
# `closed_at` is set once no reviewer is wanted any more, so that the queue is as long as what waits.
_OPEN = text("closed_at IS NULL")
captures = Table(
    "captures",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("plugin", Text, nullable=False),
    Column("event_id", BigInteger, nullable=False),
    Column("device", Text, nullable=False),
    Column("label", Text),
    Column("reasons", JSON, nullable=False),
    Column("score", Float, nullable=False),
    Column("likeness", LargeBinary),
    Column("chosen_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
    Index(None, "event_id", "plugin", unique=True),
    Index(None, "plugin", "chosen_at"),
    Index(None, "plugin", "device", "chosen_at"),
    Index(None, "plugin", "label", "chosen_at"),
    Index(None, "score", sqlite_where=_OPEN),
    sqlite_autoincrement=True,
)

# What reviewers said of events (by the id of the first row). `detections` is the event's from then on, empty
# where the verdict leaves them. A row is applied once the log has its amendment, `amendment_id`.
reviews = Table(
    "reviews",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("event_id", BigInteger, nullable=False),
    Column("reviewer", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("detections", JSON),
    Column("note", Text, nullable=False),
    Column("seconds", Float),
    Column("made_at", UtcDateTime, nullable=False),
    Column("undone_at", UtcDateTime),
    Column("applied_at", UtcDateTime),
    Column("amendment_id", BigInteger),
    Index(None, "event_id", "reviewer"),
    Index(None, "reviewer", "made_at"),
    Index(None, "applied_at"),
    Index(None, "verdict", "made_at"),
    sqlite_autoincrement=True,
)

# Which events are before which reviewer; one that ran out is free for others.
leases = Table(
    "leases",
    metadata,
    Column("event_id", BigInteger, primary_key=True, autoincrement=False),
    Column("reviewer", Text, primary_key=True),
    Column("until", UtcDateTime, nullable=False),
    Index(None, "reviewer"),
)

# What reports are made of, so that they need not read the log: sums over rows of kind "event" by the quarter
# of an hour (UTC) in which they were captured, and over those with a label by label. `step_n` counts
# confidences from n/20 on. `tallied` says up to which id everything is in them; it changes in the same
# transaction. Whatever deletes events some day, or adds them under lower ids, has to clear the three.
STEPS = tuple(f"step_{number}" for number in range(20))
quarter_tallies = Table(
    "quarter_tallies",
    metadata,
    Column("quarter_at", UtcDateTime, primary_key=True),
    Column("device", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    *(Column(name, BigInteger, nullable=False) for name in ("events", "kept", "dropped")),
    sqlite_with_rowid=False,
)
label_tallies = Table(
    "label_tallies",
    metadata,
    Column("quarter_at", UtcDateTime, primary_key=True),
    Column("device", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("label", Text, primary_key=True),
    *(
        Column(name, BigInteger, nullable=False)
        for name in ("events", "kept", "dropped", "detections", *STEPS)
    ),
    Column("confidence_sum", Float, nullable=False),
    sqlite_with_rowid=False,
)
tallied = Table(
    "tallied",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("up_to", BigInteger, nullable=False),
)
