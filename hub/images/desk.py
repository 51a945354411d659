"""Where an instance's pictures are looked at: known ones passed by, others checked and asked about."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial

from pydantic import JsonValue

from hub.authored import in_words, is_stop
from hub.decode.limits import Limits
from hub.decode.message import Message
from hub.decode.printing import show
from hub.errors import HubError, PayloadError
from hub.gate.gate import Gate, Verdict
from hub.images.calls import ImageCalls, Turn, UsedUp
from hub.images.check import check_image
from hub.images.gatekeeper import Gatekeeper
from hub.images.image import Image
from hub.images.message import GateSaid, Refusal, write, write_refused
from hub.images.offer import NotWanted, Offer, Outcome, Unavailable, Unreadable
from hub.images.patience import Patience
from hub.images.refusals import Refusals
from hub.images.spending import Spending, remembered_since
from hub.images.tally import Tally, Wait
from hub.loading import Loaded
from hub.plugin import Reject, RetryLater
from hub.store.calls import drop_answers, read_known, read_spending
from hub.store.log import EventLog
from hub.store.poison import is_outage
from hub.store.writer import Writer

log = logging.getLogger(__name__)

ATTEMPTS = 10
"""Failures of a picture after which it is refused, where others were answered meanwhile."""


class Desk:
    """Classifies what the channels of one instance offer.

    Args:
        limits: Returns what is refused, as it is now.
        gate: Decides which pictures are worth asking about; None: all are.

    Attributes:
        door: Set while pictures may be taken up.
    """

    def __init__(
        self,
        loaded: Loaded,
        writer: Writer,
        event_log: EventLog,
        limits: Callable[[], Limits],
        gate: Gate | None = None,
    ) -> None:
        self.name = loaded.instance.name
        self._gatekeeper = Gatekeeper(self.name, gate, writer, event_log) if gate else None
        self.settings = loaded.instance.settings.images
        self.patience = Patience()
        self.tally, self.wait = Tally(), Wait(self.patience)
        self._classify = loaded.hooks["classify"]
        self._timeout_s = loaded.instance.settings.timeout_s
        self._writer = writer
        self._log = event_log
        self._limits = limits
        self._slots = asyncio.Semaphore(self.settings.concurrency)
        self._asking = 0
        self._nothing_asked = asyncio.Event()
        self._closing = False
        self._spending = Spending()
        self._refusals = Refusals(self.name)
        self._blamed_for: set[type[Exception]] = set()
        self._looking: dict[str, asyncio.Future[None]] = {}
        self.door = asyncio.Event()
        self.door.set()

    @property
    def limits(self) -> Limits:
        """What is refused, as it is now."""
        return self._limits()

    @property
    def is_busy(self) -> bool:
        """Whether a picture is looked at."""
        return bool(self._looking)

    @property
    def is_asking(self) -> bool:
        """Whether an answer is awaited."""
        return bool(self._asking)

    async def wait_for_work(self) -> None:
        """Return once another picture may be taken up."""
        await self.door.wait()
        await self.patience.rest()
        await self._unless_closing()

    async def open(self) -> None:
        """Look up what was spent before."""
        since = remembered_since(datetime.now(UTC))
        self._spending = Spending(await self._log.ask(partial(read_spending, plugin=self.name, since=since)))
        self.tally.spending = self._spending

    async def look(self, offer: Offer) -> tuple[str, Message | Outcome]:
        """Return a picture's key and the message to store of it, or the outcome that it has without one.

        A key that comes with a message stays taken until `release`: others who offer the same picture wait.

        Raises:
            Unavailable: It cannot be had now.
        """
        key, data = f"{self.name}:{offer.origin.name}"[:500], b""
        try:
            with self._blamed(offer):
                key = await offer.identify()
            async with self._only_one(key):
                with self._blamed(offer):
                    known = await self._log.ask(partial(read_known, plugin=self.name, key=key))
                    if known.event_id is not None:
                        return key, self._pass_by(Outcome(key, "known"))
                    data = await offer.read()
                    image = self._checked(offer, key, data)
                    verdict = await self._gatekeeper.judge(image) if self._gatekeeper else None
                    if verdict is not None and not verdict.sent:
                        return key, self._pass_by(Outcome(key, "kept back"))
                    return key, await self._ask(image, known.answers, self._tell(verdict))
        except NotWanted:
            return key, self._pass_by(Outcome(key, "ignored"))
        except PayloadError as error:
            kept = error.data if isinstance(error, Unreadable) else data
            return key, self._refused(offer, key, error, kept)

    def _pass_by(self, outcome: Outcome) -> Outcome:
        self.release(outcome.key)
        self.tally.count(outcome)
        return outcome

    @contextmanager
    def _blamed(self, offer: Offer) -> Iterator[None]:
        """Let no picture end the channel for the others: what nobody foresaw is said of this one alone."""
        try:
            yield
        except HubError:
            raise
        except (OSError, MemoryError) as error:
            raise Unavailable(f"{offer.origin.name}: {in_words(error)}") from error
        except Exception as error:
            if is_outage(error):
                raise
            if type(error) not in self._blamed_for:
                self._blamed_for.add(type(error))
                log.exception("images.failed %s: %s", self.name, offer.origin.name)
            raise PayloadError("not_readable", in_words(error)) from error

    @asynccontextmanager
    async def _only_one(self, key: str) -> AsyncIterator[None]:
        while key in self._looking:
            await asyncio.shield(self._looking[key])
        self._looking[key] = asyncio.get_running_loop().create_future()
        try:
            yield
        except PayloadError:
            raise
        except BaseException:
            self.release(key)
            raise

    def release(self, key: str) -> None:
        """Let others look at the picture: what became of it is committed, or nothing did."""
        waiting = self._looking.pop(key, None)
        if waiting is not None:
            waiting.set_result(None)

    def settle(self, outcome: Outcome, name: str) -> None:
        """Count what became of a picture, log a refusal, and forget the answers of what is stored."""
        self.tally.count(outcome)
        if outcome.refusal is not None:
            self._refusals.note(name, outcome.refusal)
        self.release(outcome.key)
        if outcome.kind == "stored":
            self._writer.change_soon(partial(drop_answers, plugin=self.name, key=outcome.key))

    def _tell(self, verdict: Verdict | None) -> GateSaid | None:
        return self._gatekeeper.said(verdict) if self._gatekeeper and verdict else None

    async def _ask(self, image: Image, answers: dict[str, str], said: GateSaid | None) -> Message:
        calls = ImageCalls(self.name, image.key, answers, self._writer, self._spending)
        answer = await self._until_answered(image, calls)
        try:
            message = write(image, answer, said, datetime.now(UTC), self.name)
        except (TypeError, ValueError, RecursionError) as error:
            raise PayloadError("bad_answer", f"classify returned what is not JSON: {error}") from error
        if (size := len(message.payload) - len(image.data)) > self.limits.max_event_bytes:
            found = f"{size} bytes with what was answered; at most {self.limits.max_event_bytes}"
            raise PayloadError("too_large", found)
        return message

    def _checked(self, offer: Offer, key: str, data: bytes) -> Image:
        found, origin = check_image(data, self.limits), offer.origin
        return Image(
            key=key,
            name=origin.name,
            device=origin.device,
            captured_at=origin.captured_at,
            data=data,
            media_type=found.media_type,
            width=found.width,
            height=found.height,
            orientation=found.orientation,
            s3=origin.s3,
        )

    async def _until_answered(self, image: Image, calls: ImageCalls) -> JsonValue:
        """Ask until there is an answer; PayloadError where there will never be one."""
        failures, others = 0, self.tally.answered
        while True:
            await self.door.wait()
            probe = await self.patience.wait()
            try:
                answer = await self._ask_once(image, calls, probe=probe)
            except PayloadError:
                raise
            except UsedUp as wait:
                self._failed(wait.after_s, str(wait), probe=probe)
            except RetryLater as wait:
                failures += self.tally.answered > others
                self._give_up_after(failures, str(wait), probe=probe)
                self._failed(wait.after_s, str(wait), probe=probe)
            except Exception as error:  # noqa: BLE001 - the author's code
                failures += 1
                self._give_up_after(failures, in_words(error), probe=probe)
                self._failed(0.0, in_words(error), probe=probe)
            else:
                return answer
            others = self.tally.answered

    async def _ask_once(self, image: Image, calls: ImageCalls, *, probe: bool) -> JsonValue:
        try:
            answer = await self._classify_in_turn(image, calls)
        except Reject as error:
            self._succeeded(probe=probe)
            raise PayloadError("rejected", show(str(error) or "no reason was given")) from error
        except PayloadError:
            self._succeeded(probe=probe)
            raise
        except BaseException as error:
            if is_stop(error):
                self.patience.left(probe=probe)
            raise
        self.tally.answered += 1
        self._succeeded(probe=probe)
        return answer

    async def _classify_in_turn(self, image: Image, calls: ImageCalls) -> JsonValue:
        async with asyncio.timeout(self._timeout_s) as timeout:
            calls.turn = turn = Turn(self._slots, timeout)
            await turn.begin()
            try:
                await self._unless_closing()
                return await self._counted(self._classify(image, calls))
            finally:
                turn.end()

    async def _counted(self, asking: Awaitable[JsonValue]) -> JsonValue:
        self._asking += 1
        try:
            return await asking
        finally:
            self._asking -= 1
            if not self._asking:
                self._nothing_asked.set()

    async def _unless_closing(self) -> None:
        if self._closing:
            await asyncio.Event().wait()  # until cancelled

    async def finish(self, timeout_s: float) -> None:
        """Ask about no more pictures; return once what was asked is answered, or the time is up."""
        self._refusals.close()
        self._closing = True
        self._nothing_asked.clear()
        if self._asking:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._nothing_asked.wait()

    def _give_up_after(self, failures: int, reason: str, *, probe: bool) -> None:
        if failures >= ATTEMPTS:
            self.patience.left(probe=probe)
            raise PayloadError("classify_failed", show(f"{failures} times, at last: {reason}"))

    def _failed(self, after_s: float, reason: str, *, probe: bool) -> None:
        if not self.patience.reason:
            log.warning("images.waiting %s: %s", self.name, show(reason))
        self.patience.failed(after_s, show(reason), probe=probe)

    def _succeeded(self, *, probe: bool) -> None:
        if probe:
            log.info("images.goes on %s", self.name)
        self.patience.succeeded(probe=probe)

    def _refused(self, offer: Offer, key: str, error: PayloadError, data: bytes) -> Message:
        refusal = Refusal(code=error.code, reason=error.reason)
        return write_refused(offer.origin, key, refusal, data, datetime.now(UTC), self.name)
