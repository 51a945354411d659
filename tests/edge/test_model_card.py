"""Model cards: labels from files of any line ends, class maps, and settings that do not fit together."""

from __future__ import annotations

from pathlib import Path

import pytest

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
        (None, r"labels\.txt: cannot be read: No such file"),
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
        ("labels_file = 3", "labels_file: must be a file's name"),
        ('labels = ["a"]\nscale = [0]', r"scale\.0: input should be greater than 0"),
        ('labels = ["a"]\n[classes]\n-1 = "b"', r"classes"),
        ('labels = ["a"]\n[outputs]\nbox = "b"', r"outputs"),
        ('labels = ["a"]\ndevice = "gpu"', r"device"),
    ],
)
def test_card_is_refused_with_the_reason(tmp_path, settings, words):
    with pytest.raises(ConfigError, match=words):
        read(tmp_path, settings)
