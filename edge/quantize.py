"""Makes the weights and activations of a network 8-bit integers, with NNCF where it is installed."""

from __future__ import annotations

import importlib
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

from hub.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def quantize(network: Any, inputs: list[NDArray[Any]]) -> Any:
    """Return a network of 8-bit integers, calibrated on inputs that are like those it will see.

    Raises:
        ConfigError: NNCF is not installed, or cannot do it.
    """
    try:
        nncf = importlib.import_module("nncf")
    except ImportError as error:
        raise ConfigError(
            "--int8 needs NNCF, which is not installed (pip install 'lenshub[quantize]')"
        ) from error
    nncf.set_log_level(30)
    try:
        with redirect_stdout(sys.stderr):  # it draws its progress, which is no part of the answer
            return nncf.quantize(network, nncf.Dataset(inputs), subset_size=len(inputs))
    except (RuntimeError, nncf.ValidationError) as error:
        raise ConfigError(f"NNCF cannot quantise it: {error}") from error
