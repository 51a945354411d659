"""Says in words why a broker could not be connected to, for log lines and for checks alike."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import aiomqtt

from hub.errors import ConfigError
from hub.wire.tls import Tls, list_expired

if TYPE_CHECKING:
    from paho.mqtt.reasoncodes import ReasonCode

_UNTRUSTED, _EXPIRED, _NOT_YET, _OTHER_NAME = {2, 18, 19, 20, 21}, {10}, {9}, {62, 64}  # X509_V_ERR_...
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG")
_OLD_TLS = ("UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "VERSION_TOO_LOW")
_CLIENT_ALERTS = (
    "CERTIFICATE_REQUIRED",
    "HANDSHAKE_FAILURE",
    "BAD_CERTIFICATE",
    "UNKNOWN_CA",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_REVOKED",
    "CERTIFICATE_UNKNOWN",
    "UNSUPPORTED_CERTIFICATE",
    "ACCESS_DENIED",
    "DECRYPT_ERROR",
)
_CREDENTIALS = {4, 5, 134, 135}  # CONNACK of MQTT 3.1.1, and of MQTT 5


class HandshakeLostError(OSError):
    """The other side hung up, or said nothing, amid the TLS handshake."""


class ConnectError(aiomqtt.MqttCodeError):
    """A broker could not be connected to.

    `kind` is a stable word for the reason, for programs; `rc` is the broker's answer, if it gave one.
    """

    def __init__(self, kind: str, text: str, rc: ReasonCode | int | None = None) -> None:
        super().__init__(rc, text)
        self.kind = kind

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was tried."""

    host: str
    port: int
    tls: Tls | None
    username: str | None

    @property
    def where(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def place(self) -> str:
        """The table of the configuration that describes it."""
        return self.tls.place if self.tls else "broker"


def explain(attempt: Attempt, error: BaseException) -> ConnectError:
    """Return what an error of connecting means.

    Args:
        attempt: What was tried.
        error: What the operating system, OpenSSL, or aiomqtt said.
    """
    if isinstance(error, ConfigError):
        return ConnectError("files", "; ".join(error.problems))
    if isinstance(error, aiomqtt.MqttCodeError):
        return _explain_answer(attempt, error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return _explain_certificate(attempt, error)
    if isinstance(error, HandshakeLostError):
        return explain_silence(attempt, "breaks off the TLS handshake", "does this port speak TLS?")
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return explain_silence(attempt, "hangs up")
    if isinstance(error, ssl.SSLError):
        return _explain_tls(attempt, error)
    return _explain_network(attempt, error)


def explain_silence(attempt: Attempt, what: str, *guesses: str) -> ConnectError:
    """Return what it can mean that a broker hangs up, or says nothing, instead of answering."""
    guessed = "; ".join([*guesses, *_guess_silence(attempt)])
    return ConnectError("silence", f"{attempt.where} {what} ({guessed})")


def _guess_silence(attempt: Attempt) -> list[str]:
    tls, place = attempt.tls, attempt.place
    if tls is None:
        return ["is it a broker's port? one for TLS wants an address that begins with mqtts://"]
    hints = []
    if tls.cert_file is None:
        hints.append(f"a broker that wants a certificate does so: set {place}.cert_file and key_file")
    else:
        hints.append("does the broker know our certificate, and may it use this client id?")
    if tls.alpn is None and attempt.port == 443:
        hints.append(f'port 443 may want {place}.alpn, at AWS IoT "x-amzn-mqtt-ca"')
    return hints


def _explain_network(attempt: Attempt, error: BaseException) -> ConnectError:
    where = attempt.where
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return ConnectError("name", f"the name {attempt.host} is not known (misspelt? is the network up?)")
    if isinstance(error, ConnectionRefusedError):
        return ConnectError("refused", f"nobody listens on {where} (does the broker run? is the port right?)")
    if isinstance(error, TimeoutError):
        return ConnectError(
            "timeout", f"{where} does not answer (switched off? a firewall? another address?)"
        )
    if isinstance(error, (ConnectionResetError, BrokenPipeError)):
        return explain_silence(attempt, "hangs up")
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return ConnectError("network", f"{where} cannot be reached: {said}")


def _explain_certificate(attempt: Attempt, error: ssl.SSLCertVerificationError) -> ConnectError:
    code, said = error.verify_code, error.verify_message
    if code in _UNTRUSTED:
        how = f"set {attempt.place}.ca_file to the certificate of the authority that signed it"
        return ConnectError(
            "untrusted", f"{attempt.where} shows a certificate of an unknown authority: {said} ({how})"
        )
    if code in _OTHER_NAME:
        text = f"the certificate of {attempt.where} is for another name: {said} (use a name that it holds)"
        return ConnectError("other_name", text)
    if code in _EXPIRED or code in _NOT_YET:
        clock = f"by the clock here it is {datetime.now(UTC):%Y-%m-%d %H:%M} UTC; is that right?"
        return ConnectError(
            "dates", f"{attempt.where} shows a certificate out of its dates: {said} ({clock})"
        )
    return ConnectError("untrusted", f"the certificate of {attempt.where} is refused: {said}")


def _explain_tls(attempt: Attempt, error: ssl.SSLError) -> ConnectError:
    reason, where = error.reason or str(error), attempt.where
    if any(word in reason for word in _NO_TLS):
        return ConnectError("no_tls", f"{where} does not speak TLS (another port? or mqtt:// for no TLS)")
    if any(word in reason for word in _OLD_TLS):
        return ConnectError("old_tls", f"{where} speaks no TLS of version 1.2 or later (renew the broker)")
    if "NO_APPLICATION_PROTOCOL" in reason:
        alpn = attempt.tls.alpn if attempt.tls else None
        text = (
            f"{where} does not serve the protocol {alpn!r}"
            if alpn
            else f"{where} wants to be told a protocol"
        )
        return ConnectError("alpn", f'{text} ({attempt.place}.alpn; AWS IoT on port 443: "x-amzn-mqtt-ca")')
    if any(word in reason for word in _CLIENT_ALERTS):
        return _explain_client_certificate(attempt, reason)
    return ConnectError("tls", f"TLS with {where} fails: {reason}")


def _explain_client_certificate(attempt: Attempt, reason: str) -> ConnectError:
    tls, said = attempt.tls, reason.partition("ALERT_")[2].lower().replace("_", " ") or reason
    if tls is None or tls.cert_file is None:
        how = f"set {attempt.place}.cert_file and key_file"
        return ConnectError("no_certificate", f"{attempt.where} wants a certificate of us: {said} ({how})")
    why = "; ".join(list_expired(tls, datetime.now(UTC))) or "is it one that this broker's authority signed?"
    return ConnectError(
        "certificate_refused", f"{attempt.where} refuses our certificate {tls.cert_file}: {said} ({why})"
    )


def _explain_answer(attempt: Attempt, error: aiomqtt.MqttCodeError) -> ConnectError:
    code = getattr(error.rc, "value", error.rc)
    if code not in _CREDENTIALS:
        return ConnectError("answer", f"{attempt.where} refuses the connection: {error.rc}", error.rc)
    if attempt.username is not None:
        text = f"{attempt.where} refuses the user {attempt.username!r}: {error.rc} (check name and password)"
    elif attempt.tls and attempt.tls.cert_file:
        text = f"{attempt.where} does not let our certificate in: {error.rc} (does it know its name?)"
    else:
        text = f"{attempt.where} wants a user name and password: {error.rc} (set them in {attempt.place})"
    return ConnectError("credentials", text, error.rc)
