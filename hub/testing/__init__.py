"""For authors of plugins: events to order, one instance on a store of its own, and faults to deliver with."""

from hub.testing.faults import FAULTS, Fault, InjectedError
from hub.testing.samples import make_event, make_message, make_picture
from hub.testing.stage import Attempt, PluginStage

__all__ = [
    "FAULTS",
    "Attempt",
    "Fault",
    "InjectedError",
    "PluginStage",
    "make_event",
    "make_message",
    "make_picture",
]
