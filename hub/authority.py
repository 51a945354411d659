"""The hub's own certificate authority: signs the private broker's certificate; devices are given its own."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hub.errors import ConfigError
from hub.wire.pem import judge_dates, list_pair_problems, read_certificates

BEGIN = datetime(1970, 1, 1, tzinfo=UTC)
"""From when on certificates are valid: a box whose clock has no battery begins here."""
CA_DAYS = 20 * 365
SERVER_DAYS = 800
WARN_DAYS = 365


class Authority:
    """An authority in a folder: `ca.pem` for everybody, `ca.key` for nobody else. Made where it is missing.

    Raises:
        ConfigError: Its files cannot be read, do not fit together, or it has expired.
    """

    def __init__(self, folder: Path, now: datetime) -> None:
        self._now = now
        self.cert_file, key_file = folder / "ca.pem", folder / "ca.key"
        if not self.cert_file.exists():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _make(self.cert_file, key_file, now)
        place = "hub.data_dir"
        if problems := list_pair_problems(place, self.cert_file, place, key_file):
            raise ConfigError(*problems)
        self._certificate = read_certificates(place, self.cert_file)[0]
        key = load_pem_private_key(key_file.read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ConfigError(f"{place}: {key_file} is not of the hub's making ({_HOW_TO_RENEW})")
        self._key = key
        if expired := judge_dates(self.cert_file, self._certificate, now):
            raise ConfigError(f"{place}: {expired}; {_HOW_TO_RENEW}")

    @property
    def pem(self) -> str:
        """Its certificate, as text."""
        return self.cert_file.read_text(encoding="ascii")

    @property
    def warning(self) -> str:
        """What to do when it expires within a year; else an empty text."""
        end = self._certificate.not_valid_after_utc
        if end - self._now > timedelta(WARN_DAYS):
            return ""
        return f"hub.data_dir: the certificate {self.cert_file} expires on {end:%Y-%m-%d}; {_HOW_TO_RENEW}"

    def issue(self, names: Sequence[str]) -> tuple[bytes, bytes]:
        """Return a server's certificate for names and addresses, and its key, both PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        end = min(self._now + timedelta(SERVER_DAYS), self._certificate.not_valid_after_utc)
        made = (
            _begin(names[0], key, self._certificate.subject, end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
        return made.public_bytes(Encoding.PEM), _key_pem(key)


_HOW_TO_RENEW = "delete ca.pem and ca.key, restart the hub, and give every device the new text of `ca`"


def _make(cert_file: Path, key_file: Path, now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = f"LensHub {socket.gethostname()}"[:64]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        _begin(name, key, subject, now + timedelta(CA_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    write_secret(key_file, _key_pem(key))
    write_secret(cert_file, made.public_bytes(Encoding.PEM))


def _begin(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: x509.Name, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGIN)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def write_secret(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all, readable for its owner only."""
    descriptor, partial = tempfile.mkstemp(dir=path.parent)  # made with mode 0600
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        os.fsync(file.fileno())
    Path(partial).replace(path)
