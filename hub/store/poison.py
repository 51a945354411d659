"""Finds the messages of a batch whose rows the database refuses, and takes them out of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    SQLAlchemyError,
    StatementError,
)

from hub.decode.message import Decoded
from hub.errors import PayloadError
from hub.store.admission import Admitted
from hub.store.arrival import Arrival, Burst


def is_poison(error: Exception) -> bool:
    """Whether a failure comes from what a row holds, not from the disk or the database."""
    if isinstance(error, DBAPIError):
        return isinstance(error, (DataError, IntegrityError, InterfaceError))
    return isinstance(error, (StatementError, OverflowError, ValueError, TypeError))


def is_outage(error: Exception) -> bool:
    """Whether a failure comes from the database, for whatever it was asked."""
    return isinstance(error, SQLAlchemyError) and not is_poison(error)


def find_poison(
    admitted: Sequence[Admitted], write: Callable[[Sequence[Admitted]], object]
) -> dict[int, str]:
    """Bisect by trial; return the reasons by id() of the arrival.

    Args:
        admitted: What was to be stored.
        write: Writes a part of it and rolls back; raises what the database raises.
    """
    try:
        write(admitted)
    except Exception as error:
        if not is_poison(error):
            raise
        if len(admitted) == 1:
            return {id(admitted[0].arrival): str(getattr(error, "orig", None) or error)[:500]}
    else:
        return {}
    middle = len(admitted) // 2
    return find_poison(admitted[:middle], write) | find_poison(admitted[middle:], write)


def quarantine_poison(burst: Burst, reasons: dict[int, str]) -> Burst:
    """Return the burst with its poisonous messages marked as refused."""
    arrivals = tuple(
        Arrival(arrival.message, _refused(arrival.decoded, reasons[id(arrival)]))
        if id(arrival) in reasons
        else arrival
        for arrival in burst.arrivals
    )
    return Burst(arrivals, burst.on_committed, burst.also)


def _refused(decoded: Decoded, reason: str) -> Decoded:
    error = PayloadError("refused_by_database", reason)
    return Decoded(position=decoded.position, device=decoded.device, error=error)
