"""A picture folder is nobody else's: else the hub would classify what it archived, without end."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.images.overlap import DEFAULTS, list_overlaps, refuse_overlaps
from hub.loading import Broken, installed_plugins, load_class, load_instance

ARCHIVE = "plugins.s3-archive.folder"


def tables_of(folder, **others):
    return {"loop": {"use": "rekognition", "images": {"folder": folder}}, **others}


@pytest.mark.parametrize("folder", ["archive", "archive/raw", ".", "..", "./photos/../archive", "link/raw"])
def test_picture_folder_in_or_around_the_archive_is_named(tmp_path, folder):
    (tmp_path / "link").symlink_to("archive")
    (line, *_) = [
        one for one in list_overlaps(tables_of(folder, **{"s3-archive": {}}), tmp_path) if ARCHIVE in one
    ]

    assert line.startswith(f"plugins.loop.images.folder: {folder!r} overlaps {ARCHIVE} (")


@pytest.mark.parametrize(
    ("others", "place"),
    [
        ({"keep": {"use": "s3-archive", "folder": "photos/kept"}}, "plugins.keep.folder"),
        ({"retraining": {"folder": "photos"}}, "plugins.retraining.folder"),
        ({"box": {"use": "inbox", "folder": "photos"}}, "plugins.box.folder"),
        ({"isbn": {"images": {"folder": "photos/books"}}}, "plugins.isbn.images.folder"),
    ],
)
def test_folder_of_any_other_instance_is_named(tmp_path, others, place):
    assert f"overlaps {place} (" in list_overlaps(tables_of("photos", **others), tmp_path)[0]


def test_picture_folder_among_the_hubs_own_files_is_named(tmp_path):
    assert "overlaps hub.data_dir's frames (" in list_overlaps(tables_of("frames"), tmp_path)[0]


def test_folders_beside_each_other_are_all_right(tmp_path):
    others = {"s3-archive": {"bucket": "photos"}, "retraining": {}, "isbn": {"images": {"folder": "photos2"}}}

    assert list_overlaps(tables_of("photos", **others), tmp_path) == []


def test_instance_with_an_overlap_is_broken_and_no_other(tmp_path):
    tables = tables_of("archive", **{"s3-archive": {}})
    found = [load_instance(name, table, tmp_path) for name, table in tables.items()]
    loop, archive = refuse_overlaps(found, tables, tmp_path)

    assert isinstance(loop, Broken)
    assert ARCHIVE in loop.problems[0]
    assert archive is found[1]


def test_defaults_are_those_of_the_plugins():
    for name, folder in DEFAULTS.items():
        settings = load_class(installed_plugins()[name]).Settings

        assert settings.model_fields["folder"].default == Path(folder)
