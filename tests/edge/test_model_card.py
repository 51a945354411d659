"""Model cards: labels from files of any line ends, class maps, and settings that do not fit together."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from edge.model_card import ModelCard, read_card, read_labels
from hub.errors import ConfigError

CARD = 'name = "m"\nversion = "1"\nkind = "ssd"\nwidth = 8\nheight = 8\n'


def read(folder: Path, settings: str) -> ModelCard:
    (folder / "model.toml").write_text(CARD + settings)
    return read_card(folder)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_labels_are_read_whatever_the_line_ends(tmp_path, end, last):
    text = "\ufeffbackground" + end + " aeroplane " + end + "あ" + end * last
    (tmp_path / "labels.txt").write_bytes(text.encode())
    assert read(tmp_path, 'labels_file = "labels.txt"').labels == ("background", "aeroplane", "あ")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a\n\nb\n", r"labels\.txt: line 2 is empty \(give number 1 a name"),
        (b"\xff\xfe", r"labels\.txt: is no UTF-8"),
        (b"a\n" * 2**19 + b"b", r"labels\.txt: has more than 1048576 bytes"),
        (None, r"labels\.txt: there is no such file"),
    ],
)
def test_labels_are_refused_with_the_reason(tmp_path, content, words):
    if content is not None:
        (tmp_path / "labels.txt").write_bytes(content)
    with pytest.raises(ConfigError, match=words):
        read_labels(tmp_path / "labels.txt")


def test_classes_go_before_labels_and_ignored_ones_have_none(tmp_path):
    card = read(tmp_path, 'labels = ["a", "b"]\nignore = ["b"]\n[classes]\n0 = "cup"\n7 = "dog"\n')
    assert [card.label_of(number) for number in (0, 1, 7, 8, -1)] == ["cup", None, "dog", None, None]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("", r"has no labels \(give labels, labels_file or classes\)"),
        ('labels = ["a"]\nignore = ["b"]', r"ignore for unknown labels \['b'\] \(known: a\)"),
        ('labels = ["a"]\nmean = [1, 2]', r"mean has 2 values \(one, or one for each of 3\)"),
        ('labels = ["a"]\ncolours = "grey"\nscale = [1, 2, 3]', "scale has 3 values"),
        ('labels = ["a"]\nlabels_file = "x"', "labels_file: must be a file's name, without labels beside"),
        ('labels = ["a"]\nthreshold = nan', r"threshold: must be a number 0\.\.1"),
        ('labels = ["a"]\nthreshold = 1.5', r"threshold: must be a number 0\.\.1"),
        ("labels_file = 3", "labels_file: must be a file's name"),
        ('labels_file = "../labels.txt"', "labels_file: must lie in the model's folder"),
        ('labels_file = "/etc/hostname"', "labels_file: must lie in the model's folder"),
        ('labels_file = "fifo"', "fifo: is no file"),
        ('labels = ["a"]\nscale = [0]', r"scale\.0: input should be greater than or equal to"),
        ('labels = ["a"]\nmean = [1e300]', r"mean\.0: input should be less than or equal to 1000000"),
        ('labels = ["a"]\n[classes]\n-1 = "b"', r"classes"),
        ('labels = ["a"]\n[outputs]\nbox = "b"', r"outputs"),
        ('labels = ["a"]\ndevice = "gpu"', r"device"),
    ],
)
def test_card_is_refused_with_the_reason(tmp_path, settings, words):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ConfigError, match=words):
        read(tmp_path, settings)


def test_card_is_refused_when_its_input_is_huge():
    with pytest.raises(ValidationError, match="takes 65535 x 65535 pixels"):
        ModelCard(name="m", version="1", kind="ssd", labels=("a",), width=65535, height=65535)


def test_card_is_refused_when_its_file_is_huge_or_never_ends(tmp_path):
    (tmp_path / "model.toml").write_bytes(b"#" * 2**21)
    with pytest.raises(ConfigError, match="has more than 1048576 bytes"):
        read_card(tmp_path)
    (tmp_path / "model.toml").unlink()
    os.mkfifo(tmp_path / "model.toml")
    with pytest.raises(ConfigError, match="is no file"):
        read_card(tmp_path)
