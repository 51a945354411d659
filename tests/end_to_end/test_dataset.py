"""Training sets and a real hub: it imports one while it runs; and a disk that is full leaves no half set."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

HEAD = "filename,width,height,class,xmin,ymin,xmax,ymax\n"
LARGEST_FILE = 2000  # bytes: less than a picture has
LIMITED = f"""
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, ({LARGEST_FILE}, {LARGEST_FILE}))
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A set of three pictures as the published pipeline's CSV."""
    root = tmp_path / "set"
    (root / "images").mkdir(parents=True)
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 256, (48, 64, 3), np.uint8)
        cv2.imwrite(str(root / f"images/{number}.jpg"), pixels)
    rows = (f"{number}.jpg,64,48,up,1,2,30,40\n" for number in range(3))
    (root / "labels.csv").write_text(HEAD + "".join(rows))
    return root


def test_running_hub_imports_a_set_once(hub, table):
    hub.start()
    first, second = [hub.json("dataset", "import", str(table), "--device", "office") for _ in range(2)]
    assert first["answer"] == ["3 pictures stored as reviewed events of office, 0 were there already"]
    assert second["answer"] == ["0 pictures stored as reviewed events of office, 3 were there already"]


def test_disk_that_is_full_leaves_no_half_set(hub, table, tmp_path):
    convert = ["dataset", "convert", str(table), str(tmp_path / "out"), "--format", "voc", "--copy"]
    program = [sys.executable, "-c", LIMITED, *hub.program]
    ran = subprocess.run([*program, *convert], capture_output=True, text=True, timeout=200)
    assert (ran.returncode, ran.stderr.count("\n"), "File too large" in ran.stderr) == (1, 1, True)
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == []
