"""Certificate files for benchmarks."""

from __future__ import annotations

import datetime
from pathlib import Path

import attrs
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from webots_cloud.tls.certificate import self_signed


@attrs.frozen
class Files:
    """A certificate's two files in a folder.

    @ivar certificate: the file of the certificate.
    @ivar key: the file of its key.
    """

    certificate: Path
    key: Path

    @classmethod
    def in_folder(cls, folder: Path) -> Files:
        """Name them as is usual."""
        return cls(folder / "fullchain.pem", folder / "privkey.pem")

    def renew(self) -> x509.Certificate:
        """Make a new certificate (ECDSA, P-256) for localhost, in the place of the one that was there."""
        made = self_signed(["localhost"], datetime.datetime.now(datetime.UTC), 30)
        _replace(self.certificate, made.chain[0].public_bytes(Encoding.PEM))
        _replace(self.key, made.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return made.chain[0]


def _replace(path: Path, data: bytes) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(data)
    new.replace(path)
