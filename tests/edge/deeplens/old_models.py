"""Writes a folder of models such as a device had, which always see the same: `old_models.py FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from edge.runtime import load_openvino

ROWS = [[0, 1, 0.42, 0.5, 0.5, 0.75, 1], [0, 1, 0.91, 0.1, 0.2, 0.3, 0.4], [-1, 0, 0, 0, 0, 0, 0]]
PARTS = {
    "boxes": [[[0.5, 0.5, 0.75, 1], [0.1, 0.2, 0.3, 0.4]]],
    "scores": [[0.42, 0.91]],
    "labels": [[1, 1]],
}


def save(path: Path, size: int, outputs: dict[str, Any]) -> None:
    """Save a network that takes [1,3,size,size] and always gives the same outputs."""
    ov = load_openvino()
    op = ov.opset13
    picture = op.parameter([1, 3, size, size], np.float32, name="data")
    average = op.reduce_mean(picture, op.constant([0, 1, 2, 3]), False)
    nothing = op.multiply(average, op.constant(np.float32(0)))
    results = []
    for name, values in outputs.items():
        results.append(op.add(op.constant(np.array(values, np.float32)), nothing))
        results[-1].output(0).set_names({name})
    path.parent.mkdir(parents=True, exist_ok=True)
    ov.save_model(ov.Model(results, [picture]), path, compress_to_fp16=False)


def main() -> None:
    """Write SSDs of the old shape, one with outputs of their own, and a classifier."""
    folder = Path(sys.argv[1])
    save(folder / "ssd" / "mxnet_deploy_ssd_FP16_FUSED.xml", 300, {"detection_out": [[ROWS]]})
    thumbs = [[[0, 0, *row[2:]] for row in ROWS[:2]]]
    save(folder / "thumbs" / "mxnet_deploy_thumbs_up_FP16_FUSED.xml", 512, {"detection_out": [thumbs]})
    save(folder / "algo" / "deploy_model_algo_1.xml", 512, PARTS)
    save(folder / "squeezenet.xml", 224, {"prob": [[0.2, 0.7, 0.1]]})


if __name__ == "__main__":
    main()
