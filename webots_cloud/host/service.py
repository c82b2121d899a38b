"""Puts the website host together; C{twist webots-host} calls L{makeService}, C{twist webots-cloud} L{host_service}."""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, cast

from twisted.application.service import IService, MultiService
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from webots_cloud.config import DEMO_PROJECTS, ConfigOptions, HostConfig
from webots_cloud.encrypting import AnyEncryption, Encryptions, listener
from webots_cloud.host.ajax import DownloadProject, UploadFile
from webots_cloud.host.catalogue import Catalogue
from webots_cloud.host.first_start import prepare
from webots_cloud.host.keys import read_key
from webots_cloud.host.saving import SavedFiles
from webots_cloud.host.streaming import InThread
from webots_cloud.host.versions import DataFolder
from webots_cloud.host.visitors import Visitors
from webots_cloud.host.website import NotFound, ProjectsJson, Website, pages
from webots_cloud.logfile import log_to
from webots_cloud.web import BrowserFilesMissing, static_folder

SESSION_PORT = 1999
"""Where pages look for the session server of this host, if no other is named."""

_log = Logger()


class Options(ConfigOptions):
    """The command line of C{twist webots-host}."""

    sections = (HostConfig,)
    synopsis = "[--config FILE]"
    longdesc: ClassVar[str] = (
        "Serves projects to simulation servers that know the key, saves visitors' own versions of controllers, "
        "and shows the demo site. Its options are in section [host] of the configuration."
    )


def makeService(options: Options) -> IService:
    """Give the service that C{twist} runs."""
    from twisted.internet import reactor

    config, service = options.config.host, MultiService()
    encryptions = Encryptions(reactor, options.config.acme, [config.server])
    service.addService(encryptions)
    service.addService(host_service(reactor, config, encryption=encryptions.of(config)))
    return service


def host_service(
    reactor: Any,
    config: HostConfig,
    static: Path | None = None,
    demo_projects: Path = DEMO_PROJECTS,
    encryption: AnyEncryption | None = None,
) -> MultiService:
    """Give a website host.

    @param reactor: provides what Twisted's reactors provide.
    @param config: a configuration whose files and folders were looked at.
    @param static: the demo site's files; C{None}: those of this package.
    @param demo_projects: copied into the data folder if it has no projects yet.
    @param encryption: what it encrypts with, which must have started before; C{None}: it does not.
    @raise SystemExit: if the data folder cannot be made ready; with a sentence for the operator.
    """
    data = DataFolder(config.dataDir)
    try:
        prepare(data, demo_projects)
        key, secret = read_key(config.keyFile), read_key(data.secret)
        saved = SavedFiles(reactor, data, config.quotaMegabytes * 1_000_000)
    except (OSError, ValueError, sqlite3.Error) as error:
        raise SystemExit(f"[host] dataDir {config.dataDir} cannot be used: {error}") from error
    in_thread = cast(InThread, partial(deferToThreadPool, reactor, reactor.getThreadPool()))
    visitors = Visitors(reactor, secret)

    root = pages(static or _built_pages())
    ajax = NotFound()
    download = DownloadProject(reactor, in_thread, data, key, visitors)
    upload = UploadFile(in_thread, saved, visitors)
    for separator in ("-", "_"):
        ajax.putChild(f"download{separator}project.php".encode(), download)
        ajax.putChild(f"upload{separator}file.php".encode(), upload)
    root.putChild(b"ajax", ajax)
    root.putChild(b"projects.json", ProjectsJson(in_thread, Catalogue(data.projects), visitors, _session(config)))

    service = MultiService()
    service.addService(log_to(config))
    service.addService(saved)
    service.addService(listener(reactor, config, Website(reactor, root), encryption))
    return service


def _session(config: HostConfig) -> str:
    """Give the session server that pages are told of; empty: they find out by themselves.

    An encrypted page would take it that there is a web server in front.
    """
    here = f"wss://{config.server}:{SESSION_PORT}" if config.encrypted else ""
    return config.sessionServer or here


def _built_pages() -> Path | None:
    try:
        return static_folder()
    except BrowserFilesMissing as error:
        _log.error("there is no demo site: {error}", error=error)
        return None
