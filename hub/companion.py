"""What runs beside an instance's deliveries: its decoder, its sources, and what it says of itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from hub.authored import in_words
from hub.config import Config
from hub.decode.hooked import HookedDecoder
from hub.decode.message import Decoded, Message
from hub.decode.printing import show
from hub.decode.registry import Decoders
from hub.errors import ConfigError
from hub.gate.gate import Gate, make_gate
from hub.gate.settings import GateSettings
from hub.images.batch import Batches
from hub.images.channels import make_channels
from hub.images.desk import Desk
from hub.images.offer import Channel
from hub.images.picture_name import decode_named
from hub.images.source import ImageSource
from hub.images.tally import Tally, Wait
from hub.images.uploads import UploadChannel
from hub.loading import Loaded
from hub.sources.hooked import HookedSource
from hub.sources.topics import decode_known
from hub.store.log import EventLog
from hub.store.plugin_parts import Reports, forget_parts, note_parts
from hub.store.writer import Writer

log = logging.getLogger(__name__)

Part = HookedDecoder | HookedSource | Tally | Wait | Batches | Gate
REPORT_S = 1.0
STATUS_EVERY = 10
"""The plugin's own `status` is asked at every tenth report."""


def add_decoder(decoders: Decoders, loaded: Loaded) -> HookedDecoder | None:
    """Let an instance's `decode`, if it has one, read the topics that are tied to its name."""
    if "decode" not in loaded.hooks:
        decoders.remove(loaded.instance.name)  # an earlier make of it may have had one
        return None
    decoder = HookedDecoder(loaded.instance.name, loaded.hooks["decode"], lambda: decoders.limits)
    named = partial(decode_named, decode=decoder) if "classify" in loaded.hooks else decoder
    decoders.add(loaded.instance.name, named)
    return decoder


@dataclass(slots=True)
class Companion:
    """Makes what runs beside each instance.

    Args:
        known_devices: Messages of any other device are quarantined; empty: every device is known.
        uploads: The upload channels of instances that run, and whose events their pictures are.
        gates: As hub.toml has them, by name.
        event_log: Where the desk of an instance with `classify` looks up what is known of a picture.
    """

    writer: Writer
    decoders: Decoders
    known_devices: AbstractSet[str]
    event_log: EventLog
    data_dir: Path
    gates: Mapping[str, GateSettings] = field(default_factory=dict)
    uploads: dict[str, tuple[UploadChannel, str]] = field(default_factory=dict)

    def configure(self, config: Config) -> None:
        """Read from now on as configured."""
        zone = ZoneInfo(config.deeplens.timezone)
        self.decoders.configure(config.deeplens.things, zone, config.limits, config.frigate)
        self.known_devices = config.mqtt.known_devices

    async def run(self, loaded: Loaded) -> None:
        """Run beside an instance that was entered, until cancelled; whatever the author's code does."""
        parts: list[Part] = []
        if decoder := add_decoder(self.decoders, loaded):
            parts.append(decoder)
        sources, complaint = self._make_sources(loaded)
        async with AsyncExitStack() as stack:
            gate, wrong = await self._open_gate(loaded, stack)
            complaints = {"sources": complaint, "gate": wrong}
            await self._run_parts(loaded, parts, sources, complaints, gate)

    async def _run_parts(
        self,
        loaded: Loaded,
        parts: list[Part],
        sources: list[HookedSource],
        complaints: Mapping[str, str],
        gate: Gate | None,
    ) -> None:
        name = loaded.instance.name
        batches: list[Batches] = []
        if "classify" in loaded.hooks and not complaints["gate"]:
            desk = await self._open_desk(loaded, gate)
            channels = make_channels(desk, self.data_dir)
            batches = self._make_batches(loaded, desk, channels)
            parts += [desk.tally, desk.wait, *batches, *([gate] if gate else [])]
            sources += self._make_image_sources(desk, channels)
        parts += sources
        await self.writer.change(lambda connection: forget_parts(connection, name))
        try:
            async with asyncio.TaskGroup() as group:
                for source in sources:
                    group.create_task(source.run(), name=f"{name} {source.name}")
                for one in batches:
                    group.create_task(one.run(), name=f"{name} batches")
                if parts or any(complaints.values()) or "status" in loaded.hooks:
                    group.create_task(self._report(loaded, parts, complaints), name=f"reports of {name}")
        finally:
            self.uploads.pop(name, None)

    def _make_sources(self, loaded: Loaded) -> tuple[list[HookedSource], str]:
        """Return the instance's sources, and what is wrong where they cannot be had."""
        if "sources" not in loaded.hooks:
            return [], ""
        name = loaded.instance.name
        decode = partial(self._decode, name)
        try:
            sources = [HookedSource(name, one, decode, self.writer) for one in loaded.hooks["sources"]()]
        except BaseException as error:  # noqa: BLE001 - the author's code
            complaint = show(in_words(error))
            log.error("source.failed %s: sources(): %s", name, complaint)  # noqa: TRY400 - all is said
            return [], complaint
        names = [source.name for source in sources]
        twice = sorted({one for one in names if names.count(one) > 1})
        return ([], f"two sources are called {twice[0]}") if twice else (sources, "")

    async def _open_gate(self, loaded: Loaded, stack: AsyncExitStack) -> tuple[Gate | None, str]:
        """Return the gate of the instance's pictures, if it has one, and why it cannot be had."""
        name = loaded.instance.settings.images.gate
        if "classify" not in loaded.hooks or name is None:
            return None, ""
        try:
            return await stack.enter_async_context(make_gate(name, self.gates)), ""
        except ConfigError as error:
            log.error("gate.failed %s: %s; no pictures are taken", loaded.instance.name, error)  # noqa: TRY400
            return None, show(f"no pictures are taken: {error}")

    async def _open_desk(self, loaded: Loaded, gate: Gate | None) -> Desk:
        desk = Desk(loaded, self.writer, self.event_log, lambda: self.decoders.limits, gate)
        await desk.open()
        return desk

    def _make_batches(self, loaded: Loaded, desk: Desk, channels: list[Channel]) -> list[Batches]:
        """Return what starts and stops the instance's model, if it is to be started for batches only."""
        if desk.settings.batch is None:
            return []
        begin, end = loaded.hooks["begin_batch"], loaded.hooks["end_batch"]
        return [Batches(desk, desk.settings.batch, channels, self.writer, begin, end)]

    def _make_image_sources(self, desk: Desk, channels: list[Channel]) -> list[HookedSource]:
        """Return a source for each channel of the instance's `images` table."""
        found = []
        for channel in channels:
            if isinstance(channel, UploadChannel):
                self.uploads[desk.name] = (channel, desk.settings.device)
            source = ImageSource(channel, desk, partial(self._decode, desk.name))
            found.append(HookedSource(desk.name, source, source.decode, self.writer))
        return found

    def _decode(self, name: str, message: Message) -> Decoded:
        return decode_known(name, message, self.decoders, self.known_devices)

    async def _report(self, loaded: Loaded, parts: list[Part], complaints: Mapping[str, str]) -> None:
        name = loaded.instance.name
        reported: dict[str, tuple[bool, str]] = {}
        turn = 0
        while True:
            found = {part.name: part.report() for part in parts}
            found |= {part: (False, said) for part, said in complaints.items() if said}
            if "status" in loaded.hooks and turn % STATUS_EVERY == 0:
                found["status"] = _ask_status(loaded.hooks["status"])
            news: Reports = {part: said for part, said in found.items() if reported.get(part) != said}
            if news:
                await self.writer.change(partial(note_parts, plugin=name, reports=news))
                reported |= news
            turn += 1
            await asyncio.sleep(REPORT_S)


def _ask_status(ask: Callable[[], object]) -> tuple[bool, str]:
    try:
        said = ask()
    except BaseException as error:  # noqa: BLE001 - the author's code
        return False, show(f"status failed: {in_words(error)}")
    if said is None or isinstance(said, str):
        return True, show(said or "")
    return False, f"status returned {type(said).__name__}, not text or None"
