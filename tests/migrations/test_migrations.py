"""The migrations make exactly the tables that hub.store.schema describes, there and back."""

from __future__ import annotations

import sqlite3
import subprocess
import sys

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from hub.errors import StoreError
from hub.store.database import (
    _alembic_config,
    current_revision,
    database_path,
    hub_lock,
    list_revisions,
    newest_revision,
    upgrade,
)
from hub.store.schema import metadata


@pytest.fixture
def data_dir(tmp_path):
    return tmp_path / "data"


def run(data_dir, work):
    engine = create_engine(f"sqlite:///{database_path(data_dir)}")
    with engine.begin() as connection:
        found = work(connection)
    engine.dispose()
    return found


def differences(data_dir):
    return run(data_dir, lambda c: compare_metadata(MigrationContext.configure(c), metadata))


def test_migrated_tables_equal_the_schema(data_dir):
    upgrade(data_dir)

    assert differences(data_dir) == []


def test_migrations_go_down_to_nothing_and_up_again(data_dir):
    upgrade(data_dir)
    run(data_dir, lambda c: command.downgrade(_alembic_config(c), "base"))
    left = run(data_dir, lambda c: inspect(c).get_table_names())

    assert left == ["alembic_version"]
    assert upgrade(data_dir) == newest_revision()
    assert differences(data_dir) == []


def test_migration_keeps_the_devices_of_a_store_of_the_first_revision(data_dir):
    data_dir.mkdir()
    run(data_dir, lambda c: command.upgrade(_alembic_config(c), "0001"))
    row = "INSERT INTO devices (name, state, first_seen_at, last_seen_at) VALUES ('porch', 'online', 1, 2)"
    run(data_dir, lambda c: c.exec_driver_sql(row))
    upgrade(data_dir)
    query = "SELECT name, state, clock_skew_s, health FROM devices"
    upgraded = run(data_dir, lambda c: c.exec_driver_sql(query).all())
    run(data_dir, lambda c: command.downgrade(_alembic_config(c), "0001"))
    back = run(data_dir, lambda c: c.exec_driver_sql("SELECT * FROM devices").mappings().one())

    assert upgraded == [("porch", "online", 0.0, None)]
    assert (back["state"], "health" in back) == ("online", False)


@pytest.mark.parametrize(
    "table", ["events", "messages", "quarantine", "device_history", "gaps", "recent_messages"]
)
def test_migrated_ids_are_never_used_again(data_dir, table):
    upgrade(data_dir)
    connection = sqlite3.connect(database_path(data_dir))
    (made,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    connection.close()

    assert "AUTOINCREMENT" in made


def test_upgrade_that_fails_midway_leaves_nothing_behind(data_dir):
    data_dir.mkdir()
    connection = sqlite3.connect(database_path(data_dir))
    connection.execute("CREATE TABLE detections (mine INTEGER)")
    connection.close()

    with pytest.raises(StoreError):
        upgrade(data_dir)
    connection = sqlite3.connect(database_path(data_dir))
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    connection.close()

    assert tables == ["detections"]


def test_upgrade_is_repeatable(data_dir):
    assert upgrade(data_dir) == upgrade(data_dir) == current_revision(data_dir)


def test_upgrade_refuses_a_store_of_a_newer_version(data_dir):
    upgrade(data_dir)
    connection = sqlite3.connect(database_path(data_dir))
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()

    with pytest.raises(StoreError, match=r"newer LensHub \(revision 9999\); upgrade this program"):
        upgrade(data_dir)


def test_upgrade_says_so_when_the_database_is_damaged(data_dir):
    data_dir.mkdir()
    database_path(data_dir).write_bytes(b"not a database" * 1000)

    with pytest.raises(StoreError, match=r"hub\.sqlite: cannot be used: file is not a database"):
        upgrade(data_dir)


def test_upgrade_says_so_when_the_folder_cannot_be_made(tmp_path):
    (tmp_path / "data").write_text("a file")

    with pytest.raises(StoreError, match="cannot make the data folder"):
        upgrade(tmp_path / "data")


def test_lock_says_so_when_the_folder_cannot_be_made(tmp_path):
    (tmp_path / "data").write_text("a file")

    with pytest.raises(StoreError, match="cannot make the data folder"), hub_lock(tmp_path / "data"):
        pass


def test_current_revision_is_empty_without_a_database(data_dir):
    assert current_revision(data_dir) == ""


def test_lock_names_the_process_that_holds_it(data_dir):
    code = (
        "import sys; from pathlib import Path; from hub.store.database import hub_lock\n"
        "with hub_lock(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(data_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == b"held\n"
        with (
            pytest.raises(StoreError, match=rf"another hub \(process {other.pid}\) is using it"),
            hub_lock(data_dir),
        ):
            pass
        other.stdin.close()

    with hub_lock(data_dir):  # free again
        pass


def test_revisions_are_those_that_alembic_finds():
    script = ScriptDirectory.from_config(_alembic_config())
    known = [found.revision for found in script.walk_revisions()]

    assert (list_revisions(), newest_revision()) == (known[::-1], script.get_current_head())
