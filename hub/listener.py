"""The private broker's door to the network: where it listens, under which names, with which certificate.

cryptography takes 0.1 s to import, so it is imported only where the door is opened.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from hub.config import Config
from hub.errors import ConfigError

if TYPE_CHECKING:
    from hub.authority import Authority

NOWHERE = ("192.0.2.1", 9)  # RFC 5737: nobody's; asking for the way there sends nothing
_CONFIGURATION = """\
listener {port} {host}
certfile {folder}/server.pem
keyfile {folder}/server.key
tls_version tlsv1.2
use_username_as_clientid true
"""


@dataclass(frozen=True, slots=True)
class Listener:
    """A TLS listener. Its certificate is the setting's, or one that the hub's own authority signs.

    Args:
        names: What devices may call it, the one that they are told first.
        folder: Where the authority is kept.
        own: Certificate and key files from the settings.
        ca_file: The authority of `own` that devices need, unless their system knows it.
        guessed: Whether the names are none that the settings give.
    """

    host: str
    port: int
    names: tuple[str, ...]
    folder: Path
    own: tuple[Path, Path] | None = None
    ca_file: Path | None = None
    guessed: bool = False

    @property
    def url(self) -> str:
        """The address that devices are given."""
        name = self.names[0]
        return f"mqtts://{f'[{name}]' if ':' in name else name}:{self.port}"

    def configuration(self, folder: Path) -> str:
        """Return Mosquitto's configuration of it, with the broker's files in `folder`."""
        return _CONFIGURATION.format(port=self.port, host=self.host, folder=folder)

    def write_certificate(self, folder: Path) -> None:
        """Write the certificate to show, and its key, for the broker; raises ConfigError as `issue` does."""
        from hub.authority import write_secret

        certificate, key = self.issue()
        write_secret(folder / "server.key", key)
        write_secret(folder / "server.pem", certificate)

    def find_obstacle(self) -> str:
        """Return why it could not listen now, or an empty text."""
        with socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                return f"{self.host}:{self.port} cannot be listened on: {error.strerror}"
        return ""

    def issue(self) -> tuple[bytes, bytes]:
        """Return the certificate to show, with its chain, and its key, both PEM.

        Raises:
            ConfigError: The files of the settings, or the authority's, cannot be used.
        """
        if self.own is None:
            return self._authority().issue(self.names)
        if problems := self._own_problems(*self.own):
            raise ConfigError(*problems)
        cert_file, key_file = self.own
        return cert_file.read_bytes(), key_file.read_bytes()

    def ca_pem(self) -> str | None:
        """Return the authority's certificate that devices need; None where their system knows it.

        Raises:
            ConfigError: It cannot be read.
        """
        if self.own is None:
            return self._authority().pem
        if self.ca_file is None:
            return None
        from hub.wire.pem import read_certificates

        read_certificates("mqtt.listen_ca_file", self.ca_file)
        return self.ca_file.read_text(encoding="utf-8")

    def list_problems(self) -> list[str]:
        """Return a line for each thing that is wrong with the certificates, or soon will be; makes none."""
        if self.own is None and not (self.folder / "ca.pem").exists():
            return []
        try:
            self.ca_pem()
            if self.own is not None:
                return self._own_problems(*self.own) or self._own_expired(self.own[0])
            return [warning] if (warning := self._authority().warning) else []
        except ConfigError as error:
            return list(error.problems)

    def _authority(self) -> Authority:
        from hub.authority import Authority

        return Authority(self.folder, datetime.now(UTC))

    def _own_problems(self, cert_file: Path, key_file: Path) -> list[str]:
        from hub.wire.pem import list_pair_problems

        return list_pair_problems("mqtt.listen_cert_file", cert_file, "mqtt.listen_key_file", key_file)

    def _own_expired(self, cert_file: Path) -> list[str]:
        from hub.wire.pem import judge_dates, read_certificates

        place = "mqtt.listen_cert_file"
        text = judge_dates(cert_file, read_certificates(place, cert_file)[0], datetime.now(UTC))
        return [f"{place}: {text}"] if text else []


def find_listener(config: Config) -> Listener | None:
    """Return the listener that the settings ask for, or None."""
    mqtt = config.mqtt
    if mqtt.listen_address is None:
        return None
    host, port = mqtt.listen_address
    own = (mqtt.listen_cert_file, mqtt.listen_key_file)
    return Listener(
        host,
        port,
        mqtt.listen_names or find_names(host),
        config.hub.data_dir / "tls",
        (own[0], own[1]) if own[0] and own[1] else None,
        mqtt.listen_ca_file,
        guessed=not mqtt.listen_names and ip_address(host).is_unspecified,
    )


def find_names(host: str) -> tuple[str, ...]:
    """Return the names and addresses by which this machine can be reached, where `host` is listened on."""
    name = socket.gethostname()
    known = [_own_address() if ip_address(host).is_unspecified else host]
    known += [name, name if "." in name else f"{name}.local", "localhost", "127.0.0.1", "::1"]
    return tuple(dict.fromkeys(known))


def _own_address() -> str:
    """Return this machine's address on the way out, or its name where there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(NOWHERE)
        except OSError:
            return socket.gethostname()
        return str(probe.getsockname()[0])
