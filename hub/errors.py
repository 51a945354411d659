"""The error families of LensHub. Their texts say where, what was found and what to do."""


class HubError(Exception):
    """Anything LensHub itself reports. Shown to people as one line, without a traceback."""


class ConfigError(HubError):
    """The program cannot start as configured. Carries every problem found, not the first one.

    Args:
        problems: One line each, in the form `file: place: what was found (what to do)`.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class PayloadError(HubError):
    """One message cannot be read. It is kept in quarantine with the reason; nothing else stops.

    Args:
        code: A stable word for counting and filtering, such as `not_json`.
        reason: What was found and what was expected.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


class DeliveryError(HubError):
    """One delivery failed; it is tried again later."""


class ForeignError(DeliveryError):
    """An exception that a plugin raised in its own process; the class made of it has the original's name.

    Attributes:
        trace: Where it was raised, as `hub.dispatch.trace` says it.
    """

    trace: tuple[str, ...] = ()


class StoreError(HubError):
    """The store cannot be opened or used: missing, locked by another hub, or of another version."""


def first_cause(error: BaseException) -> BaseException:
    """Return what went wrong, out of the groups that tasks put around it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
