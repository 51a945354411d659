"""Makes LensHub's fixture `run_plugin` known to the tests."""

from hub.testing.fixture import run_plugin

__all__ = ["run_plugin"]
