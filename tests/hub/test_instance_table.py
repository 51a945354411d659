"""A plugin's table is added to hub.toml, or nothing is written."""

from __future__ import annotations

import tomllib

import pytest

from hub.errors import ConfigError
from hub.instance_table import add_instance

WRITTEN = "# mine\n[hub]\ndata_dir = 'data'  # here\n"


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "hub.toml"
    file.write_text(WRITTEN)
    file.chmod(0o640)
    return file


def test_table_is_added_and_the_rest_left_as_it_was_written(path):
    said = add_instance(path, "my archive", "s3-archive", ['folder = "a"'])

    assert said == f"[plugins.my archive] is added to {path}"
    assert path.read_text().startswith(WRITTEN)
    table = tomllib.loads(path.read_text())["plugins"]["my archive"]
    assert table == {"use": "s3-archive", "folder": "a"}
    assert path.stat().st_mode & 0o777 == 0o640


def test_table_is_added_to_what_a_link_leads_to(path, tmp_path):
    link = tmp_path / "link.toml"
    link.symlink_to(path)
    add_instance(link, "retraining", None, [])

    assert link.is_symlink()
    assert "[plugins.retraining]" in path.read_text()


@pytest.mark.parametrize(
    ("name", "settings", "problem"),
    [
        ("nobody", [], "no plugin 'nobody' is installed"),
        ("s3-archive", ["colour = 3"], "unknown setting 'colour'"),
        ("s3-archive", ["folder ="], "is not TOML"),
        ("a\nb", [], "control character"),
    ],
)
def test_table_that_would_be_wrong_is_not_written(path, tmp_path, name, settings, problem):
    with pytest.raises(ConfigError) as error:
        add_instance(path, name, None, settings)

    assert problem in str(error.value)
    assert ".new" not in str(error.value)
    assert path.read_text() == WRITTEN
    assert [file.name for file in tmp_path.iterdir()] == ["hub.toml"]


def test_table_that_is_there_is_left_alone(path):
    add_instance(path, "retraining", None, [])
    before = path.read_text()

    assert add_instance(path, "retraining", None, []).endswith("already")
    with pytest.raises(ConfigError, match="change it there"):
        add_instance(path, "retraining", None, ["width = 64"])
    assert path.read_text() == before
