"""The networks in jax against OpenVINO."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from edge.model_card import SHIPPED, read_card
from edge.network import compile_network, read_network
from edge.runtime import load_openvino
from edge.training.finetune.kinds import TASKS
from edge.training.finetune.operations import OPERATIONS
from edge.training.finetune.reading import read_graph
from hub.errors import ConfigError


def read_shipped(name):
    card = read_card(SHIPPED / name)
    return card, read_graph(SHIPPED / name / "model.xml", TASKS[card.kind].find_outputs)


def ask_openvino(network, names, values):
    nodes = {node.get_friendly_name(): node for node in network.get_ordered_ops()}
    model = load_openvino().Model([nodes[name].output(0) for name in names], network.get_parameters())
    found = compile_network(model, "CPU")(values.transpose(0, 3, 1, 2))
    return [found[number] for number in range(len(names))]


@pytest.mark.parametrize("name", ["thumbs-up", "hiragana"])
def test_graph_computes_what_openvino_computes(name):
    card, graph = read_shipped(name)
    values = np.random.default_rng(1).uniform(0, 255, (1, card.height, card.width, card.channels))
    ours = graph.run({}, jnp.asarray(values, jnp.float32))
    theirs = ask_openvino(read_network(graph.path), graph.outputs, values.astype(np.float32))
    for one, other in zip(ours, theirs, strict=True):
        ordered = np.moveaxis(np.asarray(one), -1, 1) if one.ndim == 4 else np.asarray(one)
        assert ordered == pytest.approx(other, abs=1e-3)


def test_graph_trains_every_kernel_and_bias():
    _, graph = read_shipped("thumbs-up")
    assert sum(weight.size for weight in graph.weights().values()) == 333_017
    assert len(graph.weights(frozen=19)) == 2


def test_graph_writes_weights_back_at_16_bits():
    card, graph = read_shipped("hiragana")
    weights = {name: weight * 1.5 for name, weight in graph.weights().items()}
    network = graph.network(weights)
    kinds = {
        node.get_friendly_name(): node.get_data().dtype
        for node in network.get_ordered_ops()
        if node.get_friendly_name() in weights
    }
    assert set(kinds) == set(weights)
    assert {str(kind) for kind in kinds.values()} == {"float16"}
    values = np.random.default_rng(1).uniform(0, 255, (1, card.height, card.width, 1)).astype(np.float32)
    (theirs,) = ask_openvino(network, graph.outputs, values)
    assert np.asarray(graph.run(weights, jnp.asarray(values))[0]) == pytest.approx(theirs, rel=0.01, abs=0.01)


def test_graph_of_another_make_is_refused(tmp_path):
    opset = load_openvino().opset13
    given = opset.parameter([1, 3, 8, 8], np.float32, name="x")
    model = load_openvino().Model([opset.result(opset.reshape(opset.cosh(given), [1, 192], False))], [given])
    load_openvino().save_model(model, tmp_path / "model.xml")
    with pytest.raises(ConfigError, match="fine-tuning knows no such Cosh"):
        read_graph(tmp_path / "model.xml", TASKS["classification"].find_outputs)
    with pytest.raises(ConfigError, match="not built as the shipped models are"):
        read_graph(tmp_path / "model.xml", TASKS["ssd"].find_outputs)


@pytest.mark.parametrize("side", [3, 5])
def test_depthwise_convolution_and_its_slopes_are_those_of_xla(side):
    picture = jax.random.normal(jax.random.key(1), (2, 6, 7, 3))
    kernel = jax.random.normal(jax.random.key(2), (3, 1, 1, side, side))

    def ours(picture, kernel):
        return (OPERATIONS["GroupConvolution"]({}, picture, kernel) ** 2).sum()

    def theirs(picture, kernel):
        given = jnp.transpose(kernel[:, 0], (2, 3, 1, 0))
        pads = [(side // 2, side // 2)] * 2
        how = {"dimension_numbers": ("NHWC", "HWIO", "NHWC"), "feature_group_count": 3}
        return (lax.conv_general_dilated(picture, given, (1, 1), pads, **how) ** 2).sum()

    found, wanted = (jax.grad(function, (0, 1))(picture, kernel) for function in (ours, theirs))
    for one, other in zip(found, wanted, strict=True):
        assert np.asarray(one) == pytest.approx(np.asarray(other), rel=1e-4, abs=1e-3)
