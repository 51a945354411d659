"""The hub's door for pictures by HTTP: `POST /v1/images?source=NAME` and `GET /v1/images/KEY`."""

from __future__ import annotations

import asyncio
import logging
import secrets
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from aiohttp import web

from hub.decode.limits import Limits
from hub.errors import ConfigError, PayloadError
from hub.event import Event, Frame
from hub.images.answers import STATUS_OF, Wrong, kept_back, refused, stored, waiting
from hub.images.body import MAX_NAME_CHARS, read_body
from hub.images.check import check_image
from hub.images.http_settings import HttpSettings
from hub.images.message import Refusal, printable
from hub.images.offer import Outcome
from hub.images.token import make_token, token_path
from hub.images.turned_away import TurnedAway
from hub.images.uploads import TooMany, Upload, UploadChannel, describe, key_of, source_of
from hub.store.calls import read_known
from hub.store.log import EventLog

log = logging.getLogger(__name__)

AT_A_TIME = 32
"""Requests whose pictures are read at a time; the others wait for their turn unread."""
MAX_KEY_CHARS = 200
IMAGES = "/v1/images"
DOORS = f"there are POST {IMAGES}?source=NAME and GET {IMAGES}/KEY"

Answerer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ImageServer:
    """Takes pictures for the instances that want uploads.

    Args:
        channels: The upload channels by instance, as they are now, and whose events their pictures are.
        limits: Returns what is refused, as it is now.
    """

    def __init__(
        self,
        data_dir: Path,
        channels: Mapping[str, tuple[UploadChannel, str]],
        event_log: EventLog,
        limits: Callable[[], Limits],
    ) -> None:
        self._data_dir = data_dir
        self._channels = channels
        self._log = event_log
        self._limits = limits
        self._token = ""
        self._wait_s = 0.0
        self._reading = asyncio.Semaphore(AT_A_TIME)
        self._adding: dict[str, asyncio.Lock] = {}
        self._turned_away = TurnedAway()
        self._runner: web.AppRunner | None = None

    async def open(self, settings: HttpSettings) -> None:
        """Listen as configured, or not at all.

        Raises:
            ConfigError: The address is taken, or the certificate cannot be used.
        """
        if settings.listen is None:
            return
        self._wait_s, self._token = settings.wait_s, make_token(self._data_dir)
        application = web.Application(middlewares=[self._guard])
        application.router.add_post(IMAGES, self._take, expect_handler=_go_on)
        application.router.add_get(IMAGES + "/{key:.+}", self._tell)
        self._runner = web.AppRunner(application, access_log=None, handler_cancellation=True)
        await self._runner.setup()
        host, port = settings.address
        try:
            await web.TCPSite(self._runner, host, port, ssl_context=_context(settings)).start()
        except OSError as error:
            await self.close()
            raise ConfigError(f"http.listen: {settings.listen}: {error.strerror or error}") from error
        except BaseException:
            await self.close()
            raise
        log.info("http.listening on %s; its token is in %s", settings.listen, token_path(self._data_dir))

    async def close(self) -> None:
        """Listen no longer; who waits for an event is told nothing, the pictures are kept."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()
        self._turned_away.close()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Answerer) -> web.StreamResponse:
        """Let in who has the token, and answer every error as JSON."""
        try:
            self._check_token(request)
            return await handler(request)
        except Wrong as wrong:
            if request.method == "POST":
                self._turned_away.note(wrong.code)
            return wrong.answer
        except web.HTTPException as error:
            asked = printable(f"{request.method} {request.path}")[:MAX_NAME_CHARS]
            reason = f"{asked}: {error.reason}; {DOORS}"
            return Wrong(error.status, "bad_request", reason).answer
        except OSError as error:
            log.error("http.failing: %s", error)  # noqa: TRY400 - all is said
            return Wrong(503, "not_kept", f"the picture cannot be kept: {error.strerror}").answer

    def _check_token(self, request: web.Request) -> None:
        kind, _, shown = request.headers.get("Authorization", "").partition(" ")
        ours = self._token.encode()
        theirs = shown.strip().encode("utf-8", "replace")
        if kind.lower() != "bearer" or not secrets.compare_digest(theirs, ours):
            name = token_path(self._data_dir).name
            reason = f"send `Authorization: Bearer ...` with what is in {name} in the hub's data folder"
            raise Wrong(401, "no_token", reason, **{"WWW-Authenticate": "Bearer"})

    async def _take(self, request: web.Request) -> web.StreamResponse:
        source = request.query.get("source", "")
        channel, device = self._channel(source)
        async with self._reading:
            data, name = await read_body(request, self._limits().max_picture_bytes)
            upload = await self._describe(request, source, device, data, name)
            known = await self._keep(channel, upload, data)
        if known is not None:
            return known
        del data
        return await self._answer(channel, upload)

    def _channel(self, source: str) -> tuple[UploadChannel, str]:
        if found := self._channels.get(source):
            return found
        known = ", ".join(sorted(self._channels)) or "none"
        wrong = f"no instance {printable(source)[:MAX_NAME_CHARS]!r} takes uploads"
        said = wrong if source else "say which instance is to be asked: ?source=NAME"
        reason = f"{said} (those that do: {known})"
        raise Wrong(404, "unknown_source", reason)

    async def _describe(
        self, request: web.Request, source: str, device: str, data: bytes, name: str
    ) -> Upload:
        try:
            check_image(data, self._limits())
        except PayloadError as error:
            raise _refusing(Refusal(code=error.code, reason=error.reason)) from error
        given = request.headers.get("Idempotency-Key", "")
        if len(given) > MAX_KEY_CHARS or not given.isprintable():
            reason = f"Idempotency-Key must be printable, at most {MAX_KEY_CHARS} characters"
            raise Wrong(400, "bad_key", reason)
        name = printable(name)[:MAX_NAME_CHARS] or "upload"
        upload = await asyncio.to_thread(describe, key_of(source, given), name, device, data)
        return upload if given else upload.model_copy(update={"key": key_of(source, upload.digest)})

    async def _keep(self, channel: UploadChannel, upload: Upload, data: bytes) -> web.Response | None:
        """Keep a picture that is new; return the answer to one that is not new."""
        async with self._adding.setdefault(upload.key, asyncio.Lock()):
            try:
                if event := await self._event(channel.plugin, upload.key):
                    _check_same(event.frame.digest if isinstance(event.frame, Frame) else "", upload)
                    return stored(event, upload.key, 200)
                if earlier := await channel.find(upload.key):
                    _check_same(earlier.digest, upload)
                    return refused(upload.key, earlier.refused) if earlier.refused else None
                await channel.add(upload, data)
            except TooMany as error:
                raise Wrong(503, "too_many", str(error), **{"Retry-After": "30"}) from error
            finally:
                self._adding.pop(upload.key, None)
        return None

    async def _answer(self, channel: UploadChannel, upload: Upload) -> web.Response:
        outcome = await channel.outcome(upload.key, self._wait_s)
        if outcome is None:
            found = await self._find(channel, upload.key)
            return found or waiting(upload.key)
        return await self._say(channel, outcome, 201)

    async def _say(self, channel: UploadChannel, outcome: Outcome, status: int) -> web.Response:
        if outcome.refusal is not None:
            return refused(outcome.key, outcome.refusal)
        event = await self._event(channel.plugin, outcome.key)
        return stored(event, outcome.key, status) if event else kept_back(outcome.key)

    async def _tell(self, request: web.Request) -> web.StreamResponse:
        key = request.match_info["key"]
        if (source := source_of(key)) is None:
            found = printable(key)[:MAX_NAME_CHARS]
            reason = f"{found!r} is no key of an upload; ask for the `key` that POST answered with"
            raise Wrong(404, "unknown_key", reason)
        channel, _ = self._channel(source)
        if answer := await self._find(channel, key):
            return answer
        reason = f"no picture with this key was sent to {source}, or a gate kept it back"
        raise Wrong(404, "unknown_key", reason)

    async def _find(self, channel: UploadChannel, key: str) -> web.Response | None:
        if event := await self._event(channel.plugin, key):
            return stored(event, key, 200)
        if (upload := await channel.find(key)) is None:
            return None
        return refused(key, upload.refused) if upload.refused else waiting(key)

    async def _event(self, plugin: str, key: str) -> Event | None:
        known = await self._log.ask(partial(read_known, plugin=plugin, key=key))
        if known.event_id is None:
            return None
        found = await self._log.by_ids([known.event_id])
        return found[0] if found else None


async def _go_on(request: web.Request) -> None:
    """Tell a sender that asks first to go on; one that hung up meanwhile is no error of ours."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        with suppress(ConnectionError):
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer has not begun


def _check_same(digest: str, upload: Upload) -> None:
    if digest and digest != upload.digest:
        reason = "another picture was sent with this Idempotency-Key; give each picture a key of its own"
        raise Wrong(409, "key_conflict", reason)


def _refusing(refusal: Refusal) -> Wrong:
    return Wrong(STATUS_OF.get(refusal.code, 422), refusal.code, refusal.reason)


def _context(settings: HttpSettings) -> ssl.SSLContext | None:
    if settings.cert_file is None or settings.key_file is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.cert_file, settings.key_file)
    except OSError as error:  # as an SSLError is
        files = f"{settings.cert_file}, {settings.key_file}"
        raise ConfigError(f"http.cert_file: {files}: {error.strerror or error}") from error
    return context
