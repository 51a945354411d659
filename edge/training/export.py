# mypy: disable-error-code="import-not-found"
# torch is no dependency of the project, so its types are unknown here.
"""Writes a trained network as OpenVINO IR."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from edge.runtime import load_openvino


def export(network: Any, shape: list[int], names: tuple[str, str], folder: Path) -> None:
    """Write model.xml and model.bin (weights as FP16) into a folder.

    Args:
        network: A torch module.
        shape: Of its input.
        names: Of its input and its output.
    """
    openvino = load_openvino()
    model = openvino.convert_model(network.eval(), example_input=torch.zeros(shape), input=shape)
    model.inputs[0].get_tensor().set_names({names[0]})
    model.outputs[0].get_tensor().set_names({names[1]})
    folder.mkdir(parents=True, exist_ok=True)
    openvino.save_model(model, folder / "model.xml", compress_to_fp16=True)
