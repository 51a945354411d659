"""What a decoded message says, as plain JSON: printed by `lenshub decode --json`, kept in golden pairs."""

from __future__ import annotations

from typing import Any

from hub.decode.message import Decoded, Status
from hub.wire.protocol import Gap, Hello


def _report_status(said: Status) -> dict[str, Any]:
    health = said.health.model_dump(exclude_none=True) if said.health else None
    return said.model_dump(mode="json", exclude={"health"}) | ({"health": health} if health else {})


def _report_hello(device: str | None, hello: Hello) -> dict[str, Any]:
    text = f"hello: {hello.agent}, epoch {hello.epoch}, has records {hello.first} to {hello.next - 1}"
    at = hello.model_dump(mode="json")["now"]
    return {"device": device, "kind": "info", "text": text, "at": at}


def _report_gap(device: str | None, gap: Gap) -> dict[str, Any]:
    text = f"gap: epoch {gap.epoch}, records {gap.first} to {gap.last} are gone: {gap.reason}"
    return {"device": device, "kind": "gap", "text": text, "at": None}


def report(decoded: Decoded) -> dict[str, Any]:
    """Return {"events": [...], "status": [...], "errors": [{"code", "reason"}]}.

    A hello, a gap and an image link appear as status; `at` is null where a message names no time.
    """
    status = [_report_status(said) for said in decoded.statuses]
    if decoded.image_link:
        link = {"device": decoded.device, "kind": "image_link", "text": decoded.image_link, "at": None}
        status.append(link)
    if decoded.hello:
        status.append(_report_hello(decoded.device, decoded.hello))
    if decoded.gap:
        status.append(_report_gap(decoded.device, decoded.gap))
    error = decoded.error
    return {
        "events": [event.model_dump(mode="json") for event in decoded.events],
        "status": status,
        "errors": [{"code": error.code, "reason": error.reason}] if error else [],
    }
