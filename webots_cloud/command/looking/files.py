"""Looks at the files and folders that options name, as a server does when it starts, and at certificates."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from webots_cloud.command.looking.finding import Finding, fine, note, wrong
from webots_cloud.config import AcmeConfig, Section, ServerConfig, checks
from webots_cloud.config.sections import options_of
from webots_cloud.control import Told
from webots_cloud.tls.certificate import BadCertificate, Certificate, moment, parse_certificate, read_certificate
from webots_cloud.tls.encryption import notice_of_end
from webots_cloud.tls.store import CertificateStore


def options(section: Section) -> Iterator[Finding]:
    """Look at what the options of a section name, and at whether they go together."""
    for field in options_of(type(section)):
        if field.name == "controlSocket":
            continue
        value = getattr(section, field.name)
        try:
            field.metadata["check"](value)
        except (ValueError, OSError) as error:
            yield wrong(field.name, str(error))
        else:
            if isinstance(value, Path):
                yield fine(field.name, str(value))
    for option, what in section.contradictions():
        yield wrong(option, what)


def control_socket(path: Path | None, running: Told | None) -> Finding:
    """Look whether a server listens on its control socket, or could.

    @param running: what it told there; C{None}: nobody listens.
    """
    if running is not None:
        return fine("controlSocket", f"{path}: the server runs, process {running['pid']}")
    if path is None:
        return note("controlSocket", "none is given, so it cannot be known whether the server runs")
    try:
        checks.own_folder(path.parent)
    except ValueError as error:
        return wrong("controlSocket", str(error))
    if path.exists() and not path.is_socket():
        return wrong("controlSocket", f"{path} is not a socket; remove it, or name another file")
    return note("controlSocket", f"{path}: nobody listens, so the server does not run")


def certificates(reactor: Any, config: ServerConfig, acme: AcmeConfig) -> Iterator[Finding]:
    """Look at the certificates that a server encrypts with."""
    now = datetime.datetime.now(datetime.UTC)
    if config.automatic:
        yield from _of_authority(reactor, acme.store, acme.names or (config.server,), now)
    elif config.sslCertificate is None or config.sslKey is None:
        yield fine("certificate", "none: this server does not encrypt")
    else:
        try:
            yield _shown(read_certificate(config.sslCertificate, config.sslKey, [config.server.strip("[]")], now), now)
        except BadCertificate as error:
            yield wrong("certificate", str(error))


def _of_authority(reactor: Any, folder: Path, names: Iterable[str], now: datetime.datetime) -> Iterator[Finding]:
    store = CertificateStore(reactor, folder)
    for name in names:
        try:
            yield _shown(parse_certificate(*store.read(name), [name], now), now)
        except KeyError:
            yield note("certificate", f"there is none for {name} yet; the server asks the authority when it runs")
        except (BadCertificate, OSError) as error:
            yield wrong("certificate", f"what {folder} has for {name} cannot be used ({error}); remove it")


def _shown(certificate: Certificate, now: datetime.datetime) -> Finding:
    notice = notice_of_end(certificate, now)
    if notice:
        return wrong("certificate", notice)
    return fine("certificate", f"for {', '.join(certificate.names)}, until {moment(certificate.ends)}")
