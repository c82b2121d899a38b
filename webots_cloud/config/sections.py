"""The sections of the configuration as frozen objects, with every option and its default."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar, TypeVar, cast

import attrs

from webots_cloud.address import Network, ServerAddress, parse_address
from webots_cloud.config import checks, values
from webots_cloud.config.sockets import InheritedSocket
from webots_cloud.secret import Secret

T = TypeVar("T")


def _nothing_to_check(value: object) -> None:
    """Accept any value: all that can be said of it was said when it was parsed."""


def _option(default: str, parse: Callable[[str], T], check: Callable[[T], None] = _nothing_to_check) -> T:
    """Declare an option.

    @param default: what the file would say, in the file's own words.
    @param parse: gives the value; raises C{ValueError} with what is wrong and what would be right.
    @param check: looks at the file system; raises C{ValueError} or C{OSError}.
    """
    return cast(T, attrs.field(metadata={"default": default, "parse": parse, "check": check}))


@attrs.frozen(kw_only=True)
class Section:
    """A section of the file.

    @cvar section: its name.
    """

    section: ClassVar[str]

    def contradictions(self) -> Iterable[tuple[str, str]]:
        """Give the mistakes that no option has by itself, as pairs of the option to change and a sentence."""
        return ()


@attrs.frozen(kw_only=True)
class ServerConfig(Section):
    """What all three servers have.

    @ivar port: the TCP port, where C{listen}, C{tlsListen}, C{inherited} are empty; encrypted with a certificate.
    @ivar listen: Twisted endpoint strings, of what is not encrypted; instead of C{port}.
    @ivar tlsListen: Twisted endpoint strings, of what is encrypted; instead of C{port}.
    @ivar sslCertificate: a file with this server's certificate and those of its authorities; C{None}: it has none.
    @ivar sslKey: a file with the certificate's private key.
    @ivar hsts: for how many seconds browsers are to remember that this server encrypts; 0: they are told nothing.
    @ivar server: the name by which clients reach this machine.
    @ivar logDir: folder for log files; C{None}: there are none.
    @ivar logFiles: how many earlier log files are kept; each has a day's lines, or 10 MB of them.
    @ivar logLevel: how grave what is logged must be at least: C{debug}, C{info}, C{warn} or C{error}.
    @ivar journal: whether the log goes to systemd's journal: C{yes}, C{no}, or C{auto}, in a service of systemd's.
    @ivar controlSocket: the Unix socket on which C{webots-cloud} asks this server; C{None}: there is none.
    @ivar automatic: whether its certificates come from the authority of section C{[acme]}; no option.
    @ivar inherited: the sockets that systemd has opened for it; no option.
    """

    port: int
    controlSocket: Path | None = None
    listen: tuple[str, ...] = _option("", values.endpoints)
    tlsListen: tuple[str, ...] = _option("", values.endpoints)
    server: str = _option("localhost", values.host_name)
    logDir: Path | None = _option("", values.optional_path, checks.own_folder)
    logFiles: int = _option("30", values.integer(0, 10000))
    logLevel: str = _option("info", values.one_of("debug", "info", "warn", "error"))
    journal: str = _option("auto", values.one_of("auto", "yes", "no"))
    sslCertificate: Path | None = _option("", values.optional_path, checks.readable_file)
    sslKey: Path | None = _option("", values.optional_path, checks.readable_file)
    hsts: int = _option("0", values.integer(0, 10**9))
    automatic: bool = False
    inherited: tuple[InheritedSocket, ...] = ()

    @property
    def encrypted(self) -> bool:
        """Whether clients are given encrypted URLs of this server."""
        return self.automatic or self.sslCertificate is not None

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The endpoint strings to listen on without encryption."""
        return self._given_plain or (() if self.encrypted or self._given_encrypted else (f"tcp:{self.port}",))

    @property
    def tls_endpoints(self) -> tuple[str, ...]:
        """The endpoint strings to listen on with encryption."""
        default = (f"tcp:{self.port}",) if self.encrypted and not self._given_plain else ()
        return self._given_encrypted or default

    @property
    def public_port(self) -> int:
        """The TCP port that people are told of."""
        listed = map(self._port, self.tls_endpoints if self.encrypted else self.endpoints)
        return next((port for port in listed if port), self.port)

    @property
    def _given_plain(self) -> tuple[str, ...]:
        return (*self.listen, *self._inherited(encrypted=False))

    @property
    def _given_encrypted(self) -> tuple[str, ...]:
        return (*self.tlsListen, *self._inherited(encrypted=True))

    def _inherited(self, encrypted: bool) -> Iterable[str]:
        for one in self.inherited:
            if (self.encrypted if one.encrypts is None else one.encrypts) == encrypted:
                yield one.endpoint

    def _port(self, endpoint: str) -> int | None:
        inherited = {one.endpoint: one.port for one in self.inherited}
        return inherited[endpoint] if endpoint in inherited else values.endpoint_port(endpoint)

    def url(self, scheme: str) -> str:
        """Give the URL of this server, without a slash at its end.

        @param scheme: C{http} or C{ws}; it gets an C{s} where this server encrypts.
        """
        scheme, usual = (f"{scheme}s", 443) if self.encrypted else (scheme, 80)
        return f"{scheme}://{self.server}" + ("" if self.public_port == usual else f":{self.public_port}")

    def contradictions(self) -> Iterable[tuple[str, str]]:
        """Give the mistakes that no option has by itself, as pairs of the option to change and a sentence."""
        if self.sslCertificate and not self.sslKey:
            yield "sslCertificate", "a certificate is of no use without its private key; give it in sslKey"
        if self.sslKey and not self.sslCertificate:
            yield "sslKey", "a private key is of no use without its certificate; give it in sslCertificate"
        if self._given_encrypted and not self.encrypted:
            yield (
                "tlsListen",
                "there is no certificate to encrypt with; give sslCertificate and sslKey, or use [acme]",
            )
        if self.encrypted and self._given_plain and not self._given_encrypted:
            yield "listen", "all of it is without encryption, though there is a certificate; give tlsListen as well"
        for endpoint in sorted(set(self.listen) & set(self.tlsListen)):
            yield "tlsListen", f"{endpoint} is in listen as well; remove it from one of them"
        if self.hsts and not self.encrypted:
            yield "hsts", "browsers must not be told to encrypt what is not encrypted; give sslCertificate and sslKey"


@attrs.frozen(kw_only=True)
class SessionConfig(ServerConfig):
    """Section C{[session]}.

    @ivar simulationServers: the simulation servers to choose from.
    @ivar pollIntervalSeconds: how often each of them is asked for its load (docs/protocol.md section 1).
    @ivar pollTimeoutSeconds: after how long one that does not answer counts as not available.
    @ivar publicUrl: where people reach this server; C{None}: at C{server} and its port.
    @ivar caFile: certificates of authorities that are trusted as those of the system are.
    @ivar administrator: who gets mail when something happens; empty: nobody.
    @ivar mailServer: the host that takes the mail; it must take it for each of them.
    @ivar mailServerPort: its port; C{None}: the usual one.
    @ivar mailSecurity: how the way there is encrypted: C{starttls}, C{tls} from the first byte on, or C{plain}, not.
    @ivar mailSender: whom the mail is from.
    @ivar mailSenderUser: whom to log in as; empty: no login.
    @ivar mailSenderPassword: that user's password.
    @ivar mailSenderPasswordFile: a file with it in the first line, instead.
    @ivar mailIntervalSeconds: how long what happens is collected for one message.
    @ivar trustedProxies: networks of the web servers whose C{X-Forwarded-For} is believed.
    @ivar monitorPassword: lets those who know it see the monitor page; empty: there is none.
    @ivar monitorNetworks: networks from which the monitor page is seen, without a password.
    """

    section = "session"

    port: int = _option("1999", values.port)
    controlSocket: Path | None = _option("$STATE_DIRECTORY/session.sock", values.optional_path)
    simulationServers: tuple[ServerAddress, ...] = _option("localhost:2000", values.servers)
    pollIntervalSeconds: float = _option("5", values.seconds)
    pollTimeoutSeconds: float = _option("4", values.seconds)
    publicUrl: ServerAddress | None = _option("", values.page_url)
    caFile: Path | None = _option("", values.optional_path, checks.authorities)
    trustedProxies: tuple[Network, ...] = _option("", values.networks)
    monitorPassword: Secret = _option("", Secret)
    monitorNetworks: tuple[Network, ...] = _option("", values.networks)
    administrator: tuple[str, ...] = _option("", values.mail_addresses)
    mailServer: str = _option("", values.optional_host_name)
    mailServerPort: int | None = _option("", values.optional_port)
    mailSecurity: str = _option("starttls", values.one_of("starttls", "tls", "plain"))
    mailSender: str = _option("", values.mail_address)
    mailSenderUser: str = _option("", values.text)
    mailSenderPassword: Secret = _option("", Secret)
    mailSenderPasswordFile: Path | None = _option("", values.optional_path, checks.password_file)
    mailIntervalSeconds: float = _option("60", values.seconds)

    @property
    def mail_port(self) -> int:
        """The port of the mail server."""
        return self.mailServerPort or {"starttls": 587, "tls": 465}.get(self.mailSecurity, 25)

    @property
    def public_address(self) -> ServerAddress:
        """Where people reach this server."""
        return self.publicUrl or parse_address(self.url("http"))

    @property
    def servers(self) -> tuple[ServerAddress, ...]:
        """The simulation servers, of each of which is known whether it encrypts."""
        return tuple(server.settled(self.encrypted) for server in self.simulationServers)

    def contradictions(self) -> Iterable[tuple[str, str]]:
        """Tell of options that do not go together."""
        yield from ServerConfig.contradictions(self)
        mail = {name: getattr(self, name) for name in ("administrator", "mailServer", "mailSender")}
        if any(mail.values()) and not all(mail.values()):
            given = " and ".join(name for name, value in mail.items() if value)
            lacking = " and ".join(name for name, value in mail.items() if not value)
            yield lacking.partition(" ")[0], f"no mail can be sent without it, though {given} is given; give {lacking}"
        password = self.mailSenderPassword or self.mailSenderPasswordFile
        if self.mailSenderPassword and self.mailSenderPasswordFile:
            yield "mailSenderPasswordFile", "mailSenderPassword is given as well; remove one of them"
        if self.mailSenderUser and not password:
            yield "mailSenderUser", "nobody logs in without a password; give mailSenderPassword"
        if password and not self.mailSenderUser:
            option = "mailSenderPassword" if self.mailSenderPassword else "mailSenderPasswordFile"
            yield option, "a password is of no use without its user; give mailSenderUser"
        if password and self.mailSecurity == "plain":
            yield "mailSecurity", "the password could be read on its way; write starttls, or tls"


@attrs.frozen(kw_only=True)
class SimulationConfig(ServerConfig):
    """Section C{[simulation]}.

    @ivar webotsHome: the folder that Webots was installed in; C{None}: the stand-in is run.
    @ivar projectsDir: base projects, one folder each.
    @ivar keyDir: a file C{HOSTNAME} for each website host, with its key in the first line.
    @ivar hostPorts: the ports at which website hosts may be contacted.
    @ivar caFile: certificates of authorities of website hosts that are trusted as those of the system are.
    @ivar instancesDir: where each instance's copy of its project lies while it runs.
    @ivar sandbox: what instances run in: C{firejail} or C{none}.
    @ivar network: what instances see of the network: C{isolated} (their own loopback) or C{host} (all of it).
    @ivar gate: how clients reach instances: C{proxy} (this server's port) or C{direct} (a port each).
    @ivar portRewrite: whether a web server in front gives this machine's ports as C{wss://SERVER/PORT}.
    @ivar display: the X display of Webots: C{:NUMBER}, or C{xvfb} for one that is started for each instance.
    @ivar displayAuthority: the file that gives access to a display that is not started here; C{None}: none is needed.
    @ivar maxConnections: how many instances may run at once.
    @ivar maxQueue: how many clients may wait for a place.
    @ivar maxArchiveMegabytes: how large a host's archive may be.
    @ivar maxProjectMegabytes: how large a project may be when unpacked, and become while it runs.
    @ivar maxProjectFiles: how many files and folders a project may have, and make while it runs.
    @ivar maxMemoryMegabytes: how much memory an instance may use, all its processes together.
    @ivar maxProcesses: how many processes and threads an instance may have.
    @ivar maxOpenFiles: how many files each process of an instance may have open.
    @ivar maxFileMegabytes: how large a file of an instance may be.
    @ivar maxAddressSpaceMegabytes: how much address space each process of an instance may have.
    @ivar maxCpuSeconds: how much processor time each process of an instance may use.
    @ivar cpuWeight: an instance's share of the processors beside the others', where it has a cgroup; 100 is usual.
    @ivar maxSocketsPerInstance: how many connections to one instance there may be at once, viewers included.
    @ivar maxRequestsPerSecond: how many requests to one instance there may be in a second.
    @ivar maxSocketsPerAddress: how many connections one client address may have.
    @ivar maxStartsPerMinute: how many instances one client address may start in a minute.
    @ivar trustedProxies: networks of the web servers whose C{X-Forwarded-For} is believed.
    @ivar monitorPassword: lets those who know it see the monitor page; empty: there is none.
    @ivar monitorNetworks: networks from which the monitor page is seen, without a password.
    @ivar monitorLogEnabled: whether the load goes to C{monitor.csv} in C{logDir}.
    @ivar requestTimeoutSeconds: how long a client may take to say what it wants.
    @ivar fetchTimeoutSeconds: how long fetching a project may take.
    @ivar startTimeoutSeconds: how long Webots may take to load a world.
    @ivar idleTimeoutSeconds: how long an instance may be paused without any input.
    @ivar totalTimeoutSeconds: how long an instance may run at most.
    @ivar extensions: how often an instance may be given that time once more, where its client asks for it.
    @ivar endTimeoutSeconds: how long Webots may take to end after SIGTERM, before SIGKILL.
    @ivar drainTimeoutSeconds: how long clients may stay when the server is told to end.
    """

    section = "simulation"

    port: int = _option("2000", values.port)
    controlSocket: Path | None = _option("$STATE_DIRECTORY/simulation.sock", values.optional_path)
    webotsHome: Path | None = _option("$WEBOTS_HOME", values.webots_home, checks.webots)
    projectsDir: Path = _option("", values.projects_dir, checks.readable_folder)
    keyDir: Path = _option("$STATE_DIRECTORY/keys", values.path, checks.keys)
    hostPorts: frozenset[int] = _option("80, 443, 8080", values.ports)
    caFile: Path | None = _option("", values.optional_path, checks.authorities)
    instancesDir: Path = _option("$STATE_DIRECTORY/instances", values.path, checks.own_folder)
    sandbox: str = _option("firejail", values.one_of("firejail", "none"), checks.sandbox)
    network: str = _option("isolated", values.one_of("isolated", "host"))
    gate: str = _option("proxy", values.one_of("proxy", "direct"))
    portRewrite: bool = _option("no", values.yes_or_no)
    display: str = _option("$DISPLAY", values.display)
    displayAuthority: Path | None = _option("$XAUTHORITY", values.optional_variable_path, checks.readable_file)
    maxConnections: int = _option("100", values.integer(1, 10000))
    maxQueue: int = _option("100", values.integer(0, 10000))
    maxArchiveMegabytes: int = _option("100", values.integer(1, 100000))
    maxProjectMegabytes: int = _option("500", values.integer(1, 100000))
    maxProjectFiles: int = _option("10000", values.integer(1, 100000))
    maxMemoryMegabytes: int = _option("4096", values.integer(64, 10000000))
    maxProcesses: int = _option("500", values.integer(20, 100000))
    maxOpenFiles: int = _option("1024", values.integer(64, 1000000))
    maxFileMegabytes: int = _option("500", values.integer(1, 1000000))
    maxAddressSpaceMegabytes: int = _option("32768", values.integer(256, 100000000))
    maxCpuSeconds: int = _option("36000", values.integer(1, 100000000))
    cpuWeight: int = _option("100", values.integer(1, 10000))
    maxSocketsPerInstance: int = _option("50", values.integer(1, 10000))
    maxRequestsPerSecond: int = _option("100", values.integer(1, 100000))
    maxSocketsPerAddress: int = _option("200", values.integer(1, 100000))
    maxStartsPerMinute: int = _option("60", values.integer(1, 100000))
    trustedProxies: tuple[Network, ...] = _option("", values.networks)
    monitorPassword: Secret = _option("", Secret)
    monitorNetworks: tuple[Network, ...] = _option("", values.networks)
    monitorLogEnabled: bool = _option("no", values.yes_or_no)
    requestTimeoutSeconds: float = _option("10", values.seconds)
    fetchTimeoutSeconds: float = _option("60", values.seconds)
    startTimeoutSeconds: float = _option("60", values.seconds)
    idleTimeoutSeconds: float = _option("1800", values.seconds)
    totalTimeoutSeconds: float = _option("7200", values.seconds)
    extensions: int = _option("1", values.integer(0, 1000))
    endTimeoutSeconds: float = _option("5", values.seconds)
    drainTimeoutSeconds: float = _option("300", values.seconds)

    def contradictions(self) -> Iterable[tuple[str, str]]:
        """Tell of options that do not go together."""
        yield from ServerConfig.contradictions(self)
        if self.network == "host" and self.port + self.maxConnections > 65535:
            yield "maxConnections", f"instances use the ports after {self.port}, and the last port is 65535; lower it"
        if self.network == "isolated" and self.sandbox == "none":
            yield "network", "without a sandbox nothing isolates instances; write network = host, or sandbox = firejail"
        if self.network == "isolated" and self.gate == "direct":
            yield "gate", "isolated instances have no port to connect to; write gate = proxy, or network = host"
        if self.gate == "direct" and self.encrypted and not self.portRewrite:
            yield "gate", "this server cannot encrypt the ports of instances, only its own; write gate = proxy"
        if self.display == values.XVFB and self.webotsHome and shutil.which("Xvfb") is None:
            yield "display", "Webots needs a display; install one with: apt-get install xvfb, or name one, as :0"
        if self.monitorLogEnabled and self.logDir is None:
            yield "monitorLogEnabled", "the monitor log is written to logDir, which is not given; give it"


@attrs.frozen(kw_only=True)
class HostConfig(ServerConfig):
    """Section C{[host]}.

    @ivar dataDir: projects, visitors' own versions of them, and the data base of visitors.
    @ivar keyFile: its first line is the key that simulation servers must know.
    @ivar sessionServer: WebSocket URL of the session server; empty: port 1999 of the host that the page came from, or
        C{wss://HOST/1999} where a web server in front encrypts the page.
    @ivar quotaMegabytes: how much each visitor may save.
    @ivar signUp: whether visitors may make accounts; those who have one may log in anyway.
    @ivar trustedProxies: networks of the web servers whose C{X-Forwarded-For} is believed.
    @ivar monitorPassword: lets those who know it see the metrics; empty: there is none.
    @ivar monitorNetworks: networks from which the metrics are seen, without a password.
    """

    section = "host"

    port: int = _option("8080", values.port)
    controlSocket: Path | None = _option("$STATE_DIRECTORY/host.sock", values.optional_path)
    dataDir: Path = _option("$STATE_DIRECTORY/host", values.path, checks.own_folder)
    keyFile: Path = _option("$STATE_DIRECTORY/keys/localhost", values.path, checks.key_file)
    sessionServer: str = _option("", values.websocket_url)
    quotaMegabytes: int = _option("10", values.integer(1, 100000))
    signUp: bool = _option("yes", values.yes_or_no)
    trustedProxies: tuple[Network, ...] = _option("", values.networks)
    monitorPassword: Secret = _option("", Secret)
    monitorNetworks: tuple[Network, ...] = _option("", values.networks)

    def contradictions(self) -> Iterable[tuple[str, str]]:
        """Tell of options that do not go together."""
        yield from ServerConfig.contradictions(self)
        if self.encrypted and self.sessionServer.startswith("ws:"):
            yield "sessionServer", "browsers let an encrypted page connect to encrypted servers only; write wss://"


@attrs.frozen(kw_only=True)
class AcmeConfig(Section):
    """Section C{[acme]}: certificates that an authority makes by itself (RFC 8555).

    @ivar enabled: whether the servers that have no certificate get theirs from the authority.
    @ivar directory: URL of the authority's directory.
    @ivar email: where the authority may write to; empty: it cannot.
    @ivar agreeToTerms: whether the operator agrees to the authority's terms.
    @ivar names: the host names to be certified; empty: those of the servers.
    @ivar accountKey: the file of the account's key, which is made if it is not there.
    @ivar store: the folder of the certificates and their keys.
    @ivar caFile: certificates by which the authority's own server is known; C{None}: those of the system.
    @ivar renewBefore: how many days before its end a certificate is renewed.
    @ivar challenge: how the authority sees that a name leads here: C{http-01} or C{tls-alpn-01}.
    @ivar challengeListen: where C{http-01} is answered beside the servers' plain endpoints: Twisted endpoint strings.
    @ivar eabKeyId: the name of the key by which the authority knows the operator (external account binding).
    @ivar eabKey: that key, in base64url; empty: the authority wants none.
    """

    section = "acme"

    enabled: bool = _option("no", values.yes_or_no)
    directory: str = _option("production", values.acme_directory)
    email: str = _option("", values.text)
    agreeToTerms: bool = _option("no", values.yes_or_no)
    names: tuple[str, ...] = _option("", values.certifiable_names)
    accountKey: Path = _option("$STATE_DIRECTORY/acme/account.key", values.path)
    store: Path = _option("$STATE_DIRECTORY/acme/certificates", values.path, checks.own_folder)
    caFile: Path | None = _option("", values.optional_path, checks.authorities)
    renewBefore: int = _option("30", values.integer(1, 365))
    challenge: str = _option("http-01", values.one_of("http-01", "tls-alpn-01"))
    challengeListen: tuple[str, ...] = _option("tcp:80", values.endpoints)
    eabKeyId: str = _option("", values.text)
    eabKey: Secret = _option("", Secret)

    def contradictions(self) -> Iterable[tuple[str, str]]:
        """Tell of options that do not go together."""
        if self.enabled and not self.agreeToTerms:
            yield (
                "agreeToTerms",
                "the authority makes certificates for those who agree to its terms; read them, write yes",
            )
        if bool(self.eabKeyId) != bool(self.eabKey):
            missing, given = ("eabKey", "eabKeyId") if self.eabKeyId else ("eabKeyId", "eabKey")
            yield given, f"it is of no use without {missing}; give both, or none"


SERVERS: tuple[type[ServerConfig], ...] = (SessionConfig, SimulationConfig, HostConfig)
SECTIONS: tuple[type[Section], ...] = (*SERVERS, AcmeConfig)


def options_of(section: type[Section]) -> list[Any]:
    """Give the attributes of a section that are options."""
    return [field for field in attrs.fields(section) if field.metadata]


@attrs.frozen
class Config:
    """All sections; those that the file does not have hold the defaults."""

    session: SessionConfig
    simulation: SimulationConfig
    host: HostConfig
    acme: AcmeConfig
