"""The page behind a signed link: shows which alert it acknowledges, and has it written down when asked."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from hub.plugin import AlreadyDone, Delivery
from plugins.alert_ledger import ACKNOWLEDGED
from plugins.alert_link import Acknowledgement, LinkError, read_acknowledgement, sign_acknowledgement

if TYPE_CHECKING:
    from aiohttp.web import Request, Response

SECRET_BYTES = 32
WRITTEN_DOWN_S = 60.0
MOST_WAITING = 100
MAX_BODY_BYTES = 1024
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>LensHub alert</title>
<style>:root {{ color-scheme: light dark }}
body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 15vh auto; padding: 0 1rem }}
button {{ font: inherit; padding: .6rem 1.2rem }}</style>
<p>{text}</p>{form}
"""
FORM = '<form method="post"><button>I have seen it</button></form>'

SILENT = logging.getLogger("aiohttp.lenshub.page")  # whoever finds the port could fill the hub's log
SILENT.setLevel(logging.CRITICAL)

BaseUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s?#]+$", max_length=500)]


class LinkSettings(BaseModel):
    """The `acknowledge` table: where links lead, and the port on this machine that answers them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: BaseUrl = Field(description="where links lead: a proxy's address, which leads to the port")
    port: Annotated[int, Field(ge=1, le=65_535)] = Field(
        description="where 127.0.0.1 answers them; each instance its own"
    )
    valid_s: Annotated[float, Field(ge=60, le=366 * 86_400, allow_inf_nan=False)] = Field(
        default=7 * 86_400, description="so long a link holds from the alert's beginning, in seconds"
    )


class AlertPage:
    """Answers links of one plugin instance on the loopback; an async context.

    Opening a link changes nothing: programs that look at mail open them too. What the button asks for is
    written down at the instance's next tick, and the answer says so only then.

    Args:
        folder: Where the secret is kept that links are signed with; made at the first start.
    """

    def __init__(self, settings: LinkSettings, plugin: str, folder: Path) -> None:
        self._settings = settings
        self._plugin = plugin
        self._path = folder / f"{plugin}.link-secret"
        self._secret = b""
        self._asked: dict[str, asyncio.Future[None]] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        from aiohttp import web

        self._secret = await asyncio.to_thread(_keep_secret, self._path)
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.router.add_get("/{token}", self._show)
        app.router.add_get("/{path:.+}/{token}", self._show)
        app.router.add_post("/{token}", self._acknowledge)
        app.router.add_post("/{path:.+}/{token}", self._acknowledge)
        runner = web.AppRunner(
            app, access_log=None, logger=SILENT, handle_signals=False, shutdown_timeout=1.0
        )
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        try:
            await web.TCPSite(runner, "127.0.0.1", self._settings.port).start()
        except OSError as error:
            await self._stack.aclose()
            reason = f"acknowledge.port: 127.0.0.1:{self._settings.port} cannot be used: {error.strerror}"
            raise OSError(reason) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for waiting in self._asked.values():
            waiting.cancel()
        await self._stack.aclose()

    def link(self, alert: str, at: datetime) -> str:
        """Return the link that acknowledges an alert which began at a time."""
        until = at + timedelta(seconds=self._settings.valid_s)
        token = sign_acknowledgement(
            Acknowledgement(self._plugin, alert, int(until.timestamp())), self._secret
        )
        return f"{self._settings.url.rstrip('/')}/{token}"

    async def write_down(self, delivery: Delivery) -> None:
        """Commit what was asked for since the last call."""
        for alert, asked in list(self._asked.items()):
            try:
                async with delivery.once(f"{ACKNOWLEDGED}{alert}", repeatable=True):
                    pass
            except AlreadyDone:
                pass
            del self._asked[alert]
            if not asked.done():
                asked.set_result(None)

    async def _show(self, request: Request) -> Response:
        try:
            what = self._read(request)
        except LinkError as error:
            return _answer(403, str(error))
        return _answer(200, f"Alert {what.alert} of {what.plugin}", FORM)

    async def _acknowledge(self, request: Request) -> Response:
        try:
            what = self._read(request)
        except LinkError as error:
            return _answer(403, str(error))
        if len(self._asked) >= MOST_WAITING:
            return _answer(503, "Too many are waiting; try again in a minute.")
        asked = self._asked.setdefault(what.alert, asyncio.get_running_loop().create_future())
        done, _ = await asyncio.wait([asked], timeout=WRITTEN_DOWN_S)
        if asked.cancelled():
            return _answer(503, "The hub is stopping; try again, or use `lenshub alerts ack`.")
        if not done:
            return _answer(
                202, "It is not written down yet; that is done when the plugin next looks at the clock."
            )
        return _answer(200, f"Alert {what.alert} of {what.plugin} is acknowledged; nobody else is told.")

    def _read(self, request: Request) -> Acknowledgement:
        what = read_acknowledgement(request.match_info["token"], self._secret, datetime.now(UTC))
        if what.plugin != self._plugin:
            raise LinkError("this link is not one of ours")
        return what


def _answer(status: int, text: str, form: str = "") -> Response:
    from aiohttp import web

    page = PAGE.format(text=escape(text), form=form)
    return web.Response(status=status, text=page, content_type="text/html", headers=HEADERS)


def _keep_secret(path: Path) -> bytes:
    """Return what links are signed with; the same one over restarts, so that older links go on to work."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_suffix(".new")
        made.unlink(missing_ok=True)
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        made.rename(path)
    found = path.read_bytes()
    if len(found) != SECRET_BYTES:
        raise ValueError(
            f"{path}: is no secret of {SECRET_BYTES} bytes; remove it, and older links are worthless"
        )
    return found
