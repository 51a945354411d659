"""Which class is which book."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from hub.errors import ConfigError
from plugins.isbn_classes import read_classes
from plugins.isbn_settings import ClassesSettings

FOLDERS = ("001.ISBN479804573X", "002.ISBN4537256109", "003.ISBN4839964564")


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(FOLDERS),
        "\ufeff" + "\r\n".join(FOLDERS) + "\r\n",
        f'["{FOLDERS[0]}", "{FOLDERS[1]}", "{FOLDERS[2]}"]',
        f'{{"2": "{FOLDERS[2]}", "0": "{FOLDERS[0]}", "1": "{FOLDERS[1]}"}}',
        f'{{"{FOLDERS[2]}": 2, "{FOLDERS[0]}": 0, "{FOLDERS[1]}": 1}}',
    ],
)
def test_file_gives_the_classes_in_the_order_of_their_numbers(tmp_path: Path, text: str) -> None:
    (tmp_path / "books").write_text(text, encoding="utf-8")
    assert read_classes(ClassesSettings(file=Path("books")), tmp_path) == FOLDERS


def test_training_folder_gives_its_subfolders_by_name(tmp_path: Path) -> None:
    for name in (*reversed(FOLDERS), ".cache"):
        (tmp_path / "train" / name).mkdir(parents=True)
    (tmp_path / "train" / "list.txt").touch()
    assert read_classes(ClassesSettings(folder=Path("train")), tmp_path) == FOLDERS


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has 0 classes"),
        ("a\na", "names a class twice"),
        ("[1]", "is no name"),
        ('{"0": "a", "2": "b"}', "not 0 to 1"),
        ("[", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("a\x00b", "is no name"),
        ("\n".join(map(str, range(10_001))), "10001 classes"),
    ],
)
def test_file_that_is_no_list_of_classes_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "books").write_text(text)
    with pytest.raises(ConfigError, match=reason):
        read_classes(ClassesSettings(file=Path("books")), tmp_path)


@pytest.mark.parametrize("member", ["file", "folder"])
def test_what_is_not_there_is_named(tmp_path: Path, member: str) -> None:
    with pytest.raises(ConfigError, match=rf"classes\.{member}.*absent"):
        read_classes(ClassesSettings.model_validate({member: Path("absent")}), tmp_path)


@pytest.mark.parametrize("table", [{}, {"names": ["a"], "file": "b"}])
def test_classes_come_from_one_place(table: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="one of names, file and folder"):
        ClassesSettings.model_validate(table)
