"""Opens the database, brings it to the current version, and holds the lock that makes this the only hub."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic_core import from_json, to_json
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DatabaseError

from hub.errors import StoreError

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy.ext.asyncio import AsyncEngine


class HubRunningError(StoreError):
    """Another process holds the store's lock."""


Database: TypeAlias = "AsyncEngine"
"""Connections to the database; only `hub.store` knows what is behind it."""
Readers = Engine
"""The same for threads that read."""
Transaction = Connection
"""What a change is made in; only `hub.store` knows what is behind it."""

DATABASE_NAME = "hub.sqlite"
READERS = 15
LOCK_NAME = "hub.lock"
LOCK_TRIES = 40  # two seconds: a command that is executed without a hub holds the lock for a moment
LOCK_PAUSE_S = 0.05
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON")


def database_path(data_dir: Path) -> Path:
    """Return where the database of a data folder lies."""
    return data_dir / DATABASE_NAME


def _to_json(value: Any) -> str:
    return to_json(value).decode()


def _set_pragmas(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _hand_transactions_to_sqlalchemy(engine: Engine) -> None:
    """Make tables part of the transaction too; the driver's own BEGIN leaves them out."""
    event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))


def open_engine(data_dir: Path) -> AsyncEngine:
    """Return an engine on the data folder's database: WAL, every commit flushed to the disk."""
    from sqlalchemy.ext.asyncio import create_async_engine  # brings all of SQLAlchemy, a third of a second

    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(database_path(data_dir))),
        json_serializer=_to_json,
        json_deserializer=from_json,
        pool_size=READERS,
        max_overflow=0,  # a connection beyond the pool is made, with its thread, and thrown away each time
    )
    event.listen(engine.sync_engine, "connect", _set_pragmas)
    return engine


def open_write_engine(data_dir: Path) -> Engine:
    """Return an engine for the one connection that writes, in a thread."""
    engine = create_engine(
        URL.create("sqlite", database=str(database_path(data_dir))),
        json_serializer=_to_json,
        json_deserializer=from_json,
    )
    event.listen(engine, "connect", _set_pragmas)
    return engine


def open_read_engine(data_dir: Path) -> Engine:
    """Return an engine for threads that read, a connection each."""
    return open_write_engine(data_dir)


def _alembic_config(connection: Connection | None = None) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(resources.files("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def list_revisions() -> list[str]:
    """Return the revisions of this program's migrations, oldest first: their files' names begin with them."""
    names = (file.name for file in (resources.files("migrations") / "versions").iterdir())
    return sorted(name.partition("_")[0] for name in names if name.endswith(".py") and name[0].isdigit())


def newest_revision() -> str:
    """Return the revision this program's migrations lead to."""
    return list_revisions()[-1]


def _run_with_connection(data_dir: Path, work: Any) -> Any:
    engine = create_engine(URL.create("sqlite", database=str(database_path(data_dir))))
    event.listen(engine, "connect", _set_pragmas)
    _hand_transactions_to_sqlalchemy(engine)
    try:
        with engine.begin() as connection:
            return work(connection)
    except DatabaseError as error:
        raise StoreError(f"{database_path(data_dir)}: cannot be used: {error.orig}") from error
    finally:
        engine.dispose()


def current_revision(data_dir: Path) -> str:
    """Return the revision the database is at, or "" when there is none yet."""
    if not database_path(data_dir).exists():
        return ""
    return str(_run_with_connection(data_dir, _read_revision) or "")


def _read_revision(connection: Connection) -> str | None:
    """Return what Alembic wrote down; importing it takes as long as everything else of a small command."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def upgrade(data_dir: Path) -> str:
    """Bring the database to the newest revision, making it if need be, and return that revision.

    Raises:
        StoreError: The database is damaged, unwritable, or made by a newer version of this program.
    """
    _make_folder(data_dir)
    found = current_revision(data_dir)
    if found and found not in list_revisions():
        raise StoreError(
            f"{database_path(data_dir)}: made by a newer LensHub (revision {found}); upgrade this program"
        )
    if found != newest_revision():
        from alembic import command  # heavy, and seldom needed

        _run_with_connection(
            data_dir, lambda connection: command.upgrade(_alembic_config(connection), "head")
        )
    return newest_revision()


def check_store(data_dir: Path) -> None:
    """Raise StoreError where there is no store, or one of another version."""
    if not database_path(data_dir).exists():
        raise StoreError(f"{database_path(data_dir)}: there is no store yet; `lenshub run` makes it")
    if (found := current_revision(data_dir)) != newest_revision():
        raise StoreError(
            f"{database_path(data_dir)}: is at revision {found or 'none'}, this program needs "
            f"{newest_revision()}; `lenshub db upgrade` (or start the hub, which upgrades it)"
        )


def _make_folder(data_dir: Path) -> None:
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{data_dir}: cannot make the data folder: {error.strerror}") from error


def _take_lock(descriptor: int) -> None:
    """Take the lock, or raise BlockingIOError after some tries."""
    for _ in range(LOCK_TRIES - 1):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(LOCK_PAUSE_S)
        else:
            return
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def hub_lock(data_dir: Path) -> Iterator[None]:
    """Hold the store's lock: only one hub at a time writes to a data folder.

    Raises:
        HubRunningError: Another hub holds it.
        StoreError: The data folder cannot be made.
    """
    _make_folder(data_dir)
    descriptor = os.open(data_dir / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _take_lock(descriptor)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise HubRunningError(
            f"{data_dir}: another hub (process {holder}) is using it; stop it or choose another data_dir"
        ) from error
    try:
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def hub_is_running(data_dir: Path) -> bool:
    """Whether a hub holds the store's lock now."""
    try:
        with (data_dir / LOCK_NAME).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
