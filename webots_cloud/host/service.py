"""Puts the website host together; C{twist webots-host} calls L{makeService}, C{twist webots-cloud} L{host_service}."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, cast

from twisted.application.service import IService
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.web.resource import Resource

from webots_cloud.config import DEMO_PROJECTS, ConfigOptions, HostConfig
from webots_cloud.encrypting import AnyEncryption, Encryptions, listener
from webots_cloud.host.account_requests import ChangePassword, DeleteAccount, LogIn, LogOut, Restore, SignUp
from webots_cloud.host.accounts import Accounts
from webots_cloud.host.ajax import DownloadProject, UploadFile
from webots_cloud.host.catalogue import Catalogue
from webots_cloud.host.control import host_control
from webots_cloud.host.database import Database
from webots_cloud.host.doors import Doors
from webots_cloud.host.first_start import prepare
from webots_cloud.host.keys import read_key
from webots_cloud.host.listing import ProjectsJson, SavedJson, Sources
from webots_cloud.host.metrics import HostMetrics, trouble_of
from webots_cloud.host.passwords import Passwords
from webots_cloud.host.project_files import ProjectFiles
from webots_cloud.host.recognition import Recognition
from webots_cloud.host.saving import SavedFiles
from webots_cloud.host.sessions import Sessions
from webots_cloud.host.streaming import InThread
from webots_cloud.host.versions import DataFolder
from webots_cloud.host.visitors import Visitors
from webots_cloud.host.website import NotFound, Website, pages
from webots_cloud.log.logs import Logs
from webots_cloud.metrics.web import Metrics
from webots_cloud.monitor.access import Access
from webots_cloud.notify import Notifier
from webots_cloud.process import InOrder
from webots_cloud.secret import Secret
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


class HostService(InOrder):
    """The website host."""

    def __init__(self, website: Website, parts: Sequence[Any]) -> None:
        """Put the parts together.

        @param website: answers; one of them listens with it.
        """
        InOrder.__init__(self, parts)
        self._website = website

    @property
    def status(self) -> str:
        """How it is, in a few words."""
        return f"{len(self._website.channels)} visitors' connections"


def makeService(options: Options) -> IService:
    """Give the service that C{twist} runs."""
    from twisted.internet import reactor

    config = options.config.host
    logs = Logs(reactor, [config])
    encryptions = Encryptions(reactor, options.config.acme, [config.server])
    server = host_service(reactor, config, encryption=encryptions.of(config))
    return InOrder([logs, Notifier(reactor, [server]), encryptions, server])


def host_service(
    reactor: Any,
    config: HostConfig,
    static: Path | None = None,
    demo_projects: Path = DEMO_PROJECTS,
    encryption: AnyEncryption | None = None,
) -> HostService:
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
        database = Database(reactor, data.database)
    except (OSError, ValueError, sqlite3.Error) as error:
        raise SystemExit(f"[host] dataDir {config.dataDir} cannot be used: {error}") from error
    in_thread = cast(InThread, partial(deferToThreadPool, reactor, reactor.getThreadPool()))
    saved = SavedFiles(reactor, data, database, config.quotaMegabytes * 1_000_000)
    accounts, sessions = Accounts(database, saved), Sessions(reactor, database)
    recognition = Recognition(Visitors(reactor, secret), accounts, sessions)
    doors = Doors(reactor, recognition, accounts, sessions, Passwords(in_thread), config.signUp)
    catalogue = Catalogue(data.projects)
    sources = Sources(in_thread, catalogue, recognition, saved, _session(config), config.signUp)

    root = pages(static or _built_pages())
    root.putChild(b"ajax", _scripts(reactor, in_thread, data, key, sources))
    root.putChild(b"account", _account(doors, sources))
    root.putChild(b"projects.json", ProjectsJson(sources))
    root.putChild(b"projects", ProjectFiles(reactor, data, sources))

    website = Website(reactor, root, config.trustedProxies)
    access = Access(reactor.seconds, config.monitorPassword, config.monitorNetworks, config.trustedProxies)
    metrics = Metrics(
        reactor,
        config.section,
        HostMetrics(root, lambda: len(website.channels)).collect,
        lambda: trouble_of(data) if service.running else "this server is being stopped",
        encryption,
        access,
    )
    metrics.put_below(root)
    listening = listener(reactor, config, website, encryption)
    control = host_control(reactor, config, encryption, in_thread, catalogue, database)
    service = HostService(website, [database, metrics, listening, control])
    return service


def _scripts(reactor: Any, in_thread: InThread, data: DataFolder, key: Secret, sources: Sources) -> Resource:
    """Give what simulation servers and editors ask for, in both spellings."""
    scripts = NotFound()
    download = DownloadProject(reactor, in_thread, data, key, sources.recognition)
    upload = UploadFile(in_thread, sources.saved, sources.recognition)
    for separator in ("-", "_"):
        scripts.putChild(f"download{separator}project.php".encode(), download)
        scripts.putChild(f"upload{separator}file.php".encode(), upload)
    return scripts


def _account(doors: Doors, sources: Sources) -> Resource:
    """Give what pages ask for in a visitor's name."""
    account = NotFound()
    account.putChild(b"sign-up", SignUp(doors))
    account.putChild(b"log-in", LogIn(doors))
    account.putChild(b"log-out", LogOut(doors))
    account.putChild(b"change-password", ChangePassword(doors))
    account.putChild(b"delete", DeleteAccount(doors))
    account.putChild(b"restore", Restore(doors, sources.saved))
    account.putChild(b"saved.json", SavedJson(sources))
    return account


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
