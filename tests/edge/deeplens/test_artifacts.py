"""Device paths found in the model folder."""

from __future__ import annotations

import pytest

from edge.deeplens.artifacts import Artifacts

DEVICE = "/opt/awscam/artifacts"


@pytest.fixture
def told():
    return []


@pytest.fixture
def artifacts(tmp_path, told):
    for name in ("cats.xml", "dogs.xml", "thumbs-up/model.xml", "labels.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return Artifacts(tmp_path, lambda kind, text: told.append(f"{kind}: {text}"))


@pytest.mark.parametrize("asked", [f"{DEVICE}/dogs.xml", "dogs", "dogs.xml", "/elsewhere/dogs.xml"])
def test_model_is_found_by_its_name(artifacts, tmp_path, told, asked):
    assert (artifacts.find_model(asked), told) == (tmp_path / "dogs.xml", [])


def test_model_folder_of_ours_is_found_by_its_name(artifacts, tmp_path):
    assert artifacts.find_model(f"{DEVICE}/thumbs-up.xml") == tmp_path / "thumbs-up" / "model.xml"


def test_model_of_a_like_name_is_taken_and_told(artifacts, tmp_path, told):
    assert artifacts.find_model(f"{DEVICE}/thumbs_up.xml") == tmp_path / "thumbs-up" / "model.xml"
    assert told == ["mapping: model thumbs_up -> thumbs-up/model.xml"]


def test_unknown_model_names_those_there_are(artifacts):
    with pytest.raises(FileNotFoundError, match=r"known: cats\.xml, dogs\.xml, thumbs-up/model\.xml"):
        artifacts.find_model(f"{DEVICE}/mxnet_deploy.xml")


def test_other_files_of_the_device_are_found_by_their_name(artifacts, tmp_path):
    assert artifacts.find_file(f"{DEVICE}/labels.txt") == str(tmp_path / "labels.txt")
    assert artifacts.find_file("/etc/hostname") == "/etc/hostname"
