"""Executes commands, one after the other: what one changes in the store is committed with its answer.

So a command is executed once, whenever the hub is killed: without an answer nothing was changed, and the next
start executes it. What a command changes in memory follows from the store, and is made anew at each start.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hub.commands.command import (
    Command,
    CommandModel,
    ImportDataset,
    Pause,
    QuarantineDrop,
    QuarantineReplay,
    Reload,
    Resume,
    Retry,
    StartReplay,
    StopReplay,
)
from hub.commands.requeue import requeue
from hub.decode.message import Decoded, Message
from hub.dispatch.dispatch import Dispatch
from hub.errors import HubError
from hub.store.commands import Asked, answer, list_asked
from hub.store.database import Database, Transaction
from hub.store.pauses import add_pause, end_pause
from hub.store.plugin_state import check_delivers, list_known
from hub.store.quarantine import drop, list_numbers
from hub.store.renewal import list_failed, read_outcome, renew
from hub.store.replays import Replay, add_replay, end_replay, read_plugin, read_position
from hub.store.watching import watch
from hub.store.writer import Writer

log = logging.getLogger(__name__)

LOOK_S = 0.2


class CommandError(HubError):
    """A command cannot be executed; nothing was changed."""


class Executor:
    """Looks for commands and executes them.

    Args:
        decode: What the hub, as it is configured now, makes of a message.
        dispatch: What runs the instances; None where no hub is running.
        reload: Applies a changed hub.toml and returns what came of it; None where no hub is running.
    """

    def __init__(
        self,
        writer: Writer,
        engine: Database,
        decode: Callable[[Message], Decoded],
        dispatch: Dispatch | None = None,
        reload: Callable[[], Coroutine[Any, Any, list[str]]] | None = None,
    ) -> None:
        self._writer = writer
        self._engine = engine
        self._decode = decode
        self._dispatch = dispatch
        self._reload_file = reload
        self._one_at_a_time = asyncio.Lock()

    async def run(self) -> None:
        """Execute what is asked, until cancelled."""
        await watch(self._look, "command")

    async def _look(self) -> float:
        await self.execute_all()
        return LOOK_S

    async def execute_all(self) -> None:
        """Execute the commands that have no answer yet, oldest first."""
        for asked in await list_asked(self._engine):
            async with self._one_at_a_time:
                await self._execute(asked)

    async def reload_on_signal(self) -> None:
        """Reload as if asked; what came of it goes to the log."""
        async with self._one_at_a_time:
            try:
                lines = await self._reload_lines()
            except HubError as error:
                for line in str(error).splitlines():
                    log.error("hub.not_reloaded %s", line)  # noqa: TRY400 - the line says it all
            else:
                log.info("hub.reloaded %s", "; ".join(lines))

    async def _execute(self, asked: Asked) -> None:
        log.info("command.begun %d %s %s", asked.id, asked.action, asked.arguments)
        try:
            command = CommandModel.validate_python({"action": asked.action, **asked.arguments})
            lines = await self._obey(asked, command)
        except (HubError, ValidationError) as error:
            await self._refuse(asked, str(error).splitlines())
        except Exception as error:
            log.exception("command.failed %d %s", asked.id, asked.action)
            await self._refuse(asked, [f"failed inside the hub: {type(error).__name__}: {error}"])
        else:
            log.info("command.done %d %s: %s", asked.id, asked.action, "; ".join(lines))

    async def _refuse(self, asked: Asked, lines: Sequence[str]) -> None:
        log.info("command.refused %d %s: %s", asked.id, asked.action, "; ".join(lines))
        await self._writer.change(lambda c: answer(c, asked.id, lines, ok=False))

    async def _obey(self, asked: Asked, command: Command) -> list[str]:
        match command:
            case Pause():
                return await self._pause(asked, command)
            case Resume():
                return await self._resume(asked, command)
            case Retry():
                return await self._retry(asked, command)
            case StartReplay():
                return await self._start_replay(asked, command)
            case StopReplay():
                return await self._stop_replay(asked, command)
            case QuarantineReplay():
                return await self._requeue(asked, command)
            case QuarantineDrop():
                return await self._drop(asked, command)
            case ImportDataset():
                return await self._import(asked, command)
            case Reload():
                lines = await self._reload_lines()
                await self._writer.change(lambda c: answer(c, asked.id, lines, ok=True))
                return lines

    async def _pause(self, asked: Asked, command: Pause) -> list[str]:
        def change(connection: Transaction) -> list[str]:
            _check_known(connection, command.plugin, "paused")
            if not add_pause(connection, command.plugin, command.reason):
                return _told(connection, asked, f"{command.plugin} was paused already")
            return _told(connection, asked, f"{command.plugin} is paused; its events wait")

        lines = await self._writer.change(change)
        if self._dispatch:
            self._dispatch.pause(command.plugin, command.reason)
        return lines

    async def _resume(self, asked: Asked, command: Resume) -> list[str]:
        def change(connection: Transaction) -> list[str]:
            _check_known(connection, command.plugin, "resumed")
            if not end_pause(connection, command.plugin):
                return _told(connection, asked, f"{command.plugin} was not paused")
            return _told(connection, asked, f"{command.plugin} goes on where it stood")

        lines = await self._writer.change(change)
        if self._dispatch:
            self._dispatch.resume(command.plugin)
        return lines

    async def _retry(self, asked: Asked, command: Retry) -> list[str]:
        def change(connection: Transaction) -> tuple[list[int], list[str]]:
            _check_known(connection, command.plugin, "tried again")
            found = list_failed(connection, command.plugin, command.outcomes, command.event_id)
            if command.event_id is not None and not found:
                outcome = read_outcome(connection, command.plugin, command.event_id)
                raise CommandError(_why_not(command, outcome))
            renew(connection, command.plugin, found)
            count = "1 delivery is" if len(found) == 1 else f"{len(found)} deliveries are"
            return found, _told(connection, asked, f"{command.plugin}: {count} tried again now")

        event_ids, lines = await self._writer.change(change)
        if self._dispatch:
            await self._dispatch.retry(command.plugin, event_ids)
        return lines

    async def _start_replay(self, asked: Asked, command: StartReplay) -> list[str]:
        def change(connection: Transaction) -> tuple[Replay, list[str]]:
            _check_known(connection, command.plugin, "replayed")
            position = read_position(connection, command.plugin) or 0
            values = command.model_dump(exclude={"action"}) | {"last": min(command.last, position)}
            if values["first"] > values["last"]:
                where = f"{command.plugin} itself has come to event {position}"
                raise CommandError(f"nothing to replay from event {command.first} on: {where}")
            replay = add_replay(connection, values)
            pace = f"at most {replay.per_second:g} a second"
            told = f"replay {replay.id} of {replay.plugin}: events {replay.first} to {replay.last}, {pace}"
            return replay, _told(connection, asked, told)

        replay, lines = await self._writer.change(change)
        if self._dispatch:
            self._dispatch.start_replay(replay)
        return lines

    async def _stop_replay(self, asked: Asked, command: StopReplay) -> list[str]:
        number = command.number
        plugin = await self._writer.change(lambda c: read_plugin(c, number))
        if plugin is None:
            raise CommandError(f"there is no replay {number}; `lenshub replays` lists them")
        if self._dispatch:
            await self._dispatch.stop_replay(plugin, number)

        def change(connection: Transaction) -> list[str]:
            how = "is stopped" if end_replay(connection, number, "stopped") else "had ended already"
            return _told(connection, asked, f"replay {number} of {plugin} {how}")

        return await self._writer.change(change)

    async def _requeue(self, asked: Asked, command: QuarantineReplay) -> list[str]:
        number, code = command.number, command.code
        if number is not None and not await list_numbers(self._engine, number, code) and not asked.progress:
            raise CommandError(_no_message(number))
        lines, complete = await requeue(asked, number, code, self._writer, self._engine, self._decode)
        await self._writer.change(lambda c: answer(c, asked.id, lines, ok=complete))
        return lines

    async def _drop(self, asked: Asked, command: QuarantineDrop) -> list[str]:
        def change(connection: Transaction) -> list[str]:
            count = drop(connection, command.number, command.code)
            if command.number is not None and not count:
                raise CommandError(_no_message(command.number))
            return _told(connection, asked, f"{count} message{'' if count == 1 else 's'} dropped for good")

        return await self._writer.change(change)

    async def _import(self, asked: Asked, command: ImportDataset) -> list[str]:
        from hub.dataset.arrivals import Brought, bring  # OpenCV and readers that only this needs

        brought = Brought(Path(command.root), command.device, command.format, command.known, command.repair)
        lines = await bring(brought, self._writer, self._engine)
        await self._writer.change(lambda c: answer(c, asked.id, lines, ok=True))
        return lines

    async def _reload_lines(self) -> list[str]:
        if self._reload_file is None:
            raise CommandError("no hub is running: hub.toml is read when it starts")
        return await self._reload_file()


def _told(connection: Transaction, asked: Asked, *lines: str) -> list[str]:
    answer(connection, asked.id, lines, ok=True)
    return list(lines)


def _no_message(number: int) -> str:
    return f"no quarantined message {number}; `lenshub quarantine list` shows what there is"


def _check_known(connection: Transaction, plugin: str, what: str) -> None:
    check_delivers(connection, plugin, what)
    known = list_known(connection)
    if plugin not in known:
        raise CommandError(
            f"there is no plugin instance {plugin!r} (known: {', '.join(known) or 'none yet'})"
        )


def _why_not(command: Retry, outcome: str | None) -> str:
    place = f"event {command.event_id} for {command.plugin}"
    if outcome is None:
        return f"{place} has nothing to try again; `lenshub explain {command.event_id}` says what came of it"
    if outcome == "unknown":
        return f"{place} is unknown: it may have taken place, and is never repeated"
    return f"{place} is {outcome}, not {' or '.join(command.outcomes)}"
