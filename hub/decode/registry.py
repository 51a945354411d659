"""The decoders by name, each made to answer for any bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from zoneinfo import ZoneInfo

from hub.decode import cloudevents, deeplens, edge, frigate
from hub.decode.aliases import Alias, AliasTable
from hub.decode.frigate import FrigateSettings
from hub.decode.limits import Limits
from hub.decode.message import Decoded, Decoder, Message
from hub.decode.printing import show
from hub.errors import PayloadError
from hub.verdicts import drop_claims
from hub.wire.protocol import parse_position

DECODER_NAMES = ("cloudevents", "deeplens", "edge", "frigate")
WRITTEN_BY_DEVICES = ("deeplens", "edge")
"""Whose topics the private broker's rules have by themselves."""


@dataclass(frozen=True, slots=True)
class _Format:
    """One wire format; `device_on` names a message's device even where the payload cannot be read."""

    decode: Decoder
    device_on: Callable[[str], str | None]


class Decoders:
    """Every wire format the hub reads.

    Args:
        aliases: What foreign devices are called here, by thing name.
        default_timezone: The zone of local times from devices whose alias names none.
        limits: What is refused unread.
        cameras: What Frigate does not say of itself.
    """

    def __init__(
        self,
        aliases: Mapping[str, Alias],
        default_timezone: ZoneInfo,
        limits: Limits,
        cameras: FrigateSettings | None = None,
    ) -> None:
        self._formats: dict[str, _Format] = {}
        self.configure(aliases, default_timezone, limits, cameras)

    def configure(
        self,
        aliases: Mapping[str, Alias],
        default_timezone: ZoneInfo,
        limits: Limits,
        cameras: FrigateSettings | None = None,
    ) -> None:
        """Read from now on with other settings; plugins' decoders stay."""
        self.limits = limits
        table, cameras = AliasTable(dict(aliases), default_timezone), cameras or FrigateSettings()
        self._formats |= {
            "cloudevents": _Format(cloudevents.make_decoder(limits), lambda _: None),
            "deeplens": _Format(
                deeplens.make_decoder(table, limits), partial(deeplens.device_on, table=table)
            ),
            "edge": _Format(partial(edge.decode, limits=limits), edge.device_on),
            "frigate": _Format(
                frigate.make_decoder(cameras, limits), partial(frigate.device_on, settings=cameras)
            ),
        }

    def add(self, name: str, decode: Decoder) -> None:
        """Add a plugin instance's decoder, or put it in the place of an earlier one of that name."""
        self._formats[name] = _Format(decode, lambda _: None)

    def remove(self, name: str) -> None:
        """Forget a plugin instance's decoder, if there is one."""
        if name not in DECODER_NAMES:
            self._formats.pop(name, None)

    @property
    def names(self) -> tuple[str, ...]:
        """The decoders there are, sorted."""
        return tuple(sorted(self._formats))

    def decode(self, name: str, message: Message) -> Decoded:
        """Read a message with the decoder of that name.

        Never raises for any topic or bytes: what cannot be read comes back as `error`, with the position and
        the device as far as the topic tells them. What only a reviewer can say is left out of events.
        """
        form = self._formats.get(name)
        if form is None:
            reason = f"plugin {name}, which reads this, does not run or has no decode: see `lenshub plugins`"
            return Decoded(error=PayloadError("no_decoder", reason))
        try:
            return _without_claims(form.decode(message))
        except PayloadError as error:
            return self._failed(form, message, error)
        except Exception as bug:  # noqa: BLE001 - a decoder's bug must cost one message, not the hub
            reason = show(f"{type(bug).__name__}: {bug} (please report it with the payload)")
            return self._failed(form, message, PayloadError("decoder_bug", reason))

    def _failed(self, form: _Format, message: Message, error: PayloadError) -> Decoded:
        position = parse_position(message.topic)
        # A new one: that which was raised holds the frames it passed, with the message in them, in a cycle.
        said = PayloadError(error.code, error.reason)
        return Decoded(position=position, device=form.device_on(message.topic), error=said)


def _without_claims(decoded: Decoded) -> Decoded:
    if all(drop_claims(event.attributes) is event.attributes for event in decoded.events):
        return decoded
    events = (
        event.model_copy(update={"attributes": dict(drop_claims(event.attributes))})
        for event in decoded.events
    )
    return replace(decoded, events=tuple(events))
