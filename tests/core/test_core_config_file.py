"""The configuration file: what it says becomes objects, and everything that is wrong with it is told at once."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.certificate import make_certificate
from webots_cloud.config import (
    SECTIONS,
    SERVERS,
    AcmeConfig,
    Config,
    ConfigError,
    HostConfig,
    Mistake,
    Section,
    SessionConfig,
    SimulationConfig,
    read_config,
)
from webots_cloud.config.sections import options_of
from webots_cloud.secret import Secret

CHECKOUT = Path(__file__).parents[2]
SHIPPED = CHECKOUT / "etc" / "webots-cloud.ini"
MANUAL = CHECKOUT / "docs" / "certificates.md"


def read(text: str | bytes, *sections: type[Section]) -> Config:
    file = Path("webots-cloud.ini")
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_config(file, sections)


def mistakes(text: str | bytes, *sections: type[Section]) -> Sequence[Mistake]:
    with pytest.raises(ConfigError) as raised:
        read(text, *sections)
    assert str(raised.value).splitlines() == [str(mistake) for mistake in raised.value.mistakes]
    return raised.value.mistakes


def places(text: str | bytes, *sections: type[Section]) -> list[tuple[int | None, str, str]]:
    return [(mistake.line, mistake.section, mistake.option) for mistake in mistakes(text, *sections)]


def test_every_mistake_is_told_in_the_order_of_lines() -> None:
    told = [
        str(mistake)
        for mistake in mistakes(
            "outside = 1\n"
            "[session]\n"
            "port = 0\n"
            "serverr = here\n"
            "[host]\n"
            "quotaMegabytes = much\n"
            "QuotaMegabytes = 3\n"
            "no option\n"
            "[guest]\n"
            "name = me\n"
            "[session]\n"
            "mailServer = mail.example.org:25\n"
            "[simulation\n"
            "listen = ssl:443\n"
            "[simulation]\n"
            "projectsDir = /is/not/there\n"
            "keyDir = /nor/is/this\n"
            "port = 60000\n"
            "sandbox = none\n"
            "network = host\n"
            "maxConnections = 10000\n",
            *SECTIONS,
        )
    ]
    assert [line.split(" ")[0] for line in told] == [
        f"webots-cloud.ini:{number}:" for number in (1, 3, 4, 6, 7, 8, 9, 11, 12, 13, 16, 17, 21)
    ]
    for line, part in zip(
        told,
        (
            ": a section must come first, for instance [simulation]",
            ": [session] port: '0' is not a port; ports are whole numbers from 1 to 65535",
            ": [session] serverr: there is no such option; there are administrator, caFile, ",
            ": [host] quotaMegabytes: 'much' is not a whole number from 1 to 100000",
            ": [host] QuotaMegabytes: the option is in line 6 already; remove one",
            ": [host]: this is no option; write OPTION = VALUE",
            ": [guest]: there is no such section; the sections are acme, host, session, simulation",
            ": [session]: the section is in line 2 already; make it one",
            ": [session] mailServer: 'mail.example.org:25' is not a host name; write for instance simulation1",
            ": this is no section; write for instance [simulation]",
            ": [simulation] projectsDir: there is no folder /is/not/there; make it, or name another",
            ": [simulation] keyDir: there is no folder /nor/is/this; make it, or name another",
            ": [simulation] maxConnections: instances use the ports after 60000, and the last port is 65535; lower it",
        ),
        strict=True,
    ):
        assert part in line


def test_a_mistake_in_what_the_file_does_not_mention_is_told_last_and_without_a_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WEBOTS_HOME", "relative")
    first, last = mistakes("[session]\nport = x\n")
    assert (first.line, first.option) == (2, "port")
    assert str(last).startswith("webots-cloud.ini: [simulation] webotsHome: '$WEBOTS_HOME' is a relative path")


@pytest.mark.parametrize("name", ["guest", "sessions", "DEFAULT", "session simulation"])
def test_an_unknown_section_is_a_mistake(name: str) -> None:
    assert places(f"[host]\n[{name}]\nport = 1\n") == [(2, name, "")]


@pytest.mark.parametrize(
    ("section", "option", "where"),
    [
        ("session", "projectsDir", "[simulation]"),
        ("simulation", "quotamegabytes", "[host]"),
        ("host", "SIMULATIONSERVERS", "[session]"),
        ("host", "mailServer", "[session]"),
    ],
)
def test_an_option_in_another_sections_place_is_told_where_it_belongs(section: str, option: str, where: str) -> None:
    (mistake,) = mistakes(f"[{section}]\n{option} = 1\n")
    assert mistake == Mistake(
        "webots-cloud.ini", 2, section, option, f"there is no such option here; it belongs to {where}"
    )


@pytest.mark.parametrize("section", [section.section for section in SECTIONS])
def test_the_options_that_there_are_are_told_where_there_is_no_such(section: str) -> None:
    (mistake,) = mistakes(f"[{section}]\nprot = 1\n")
    (known,) = (known for known in SECTIONS if known.section == section)
    for field in options_of(known):
        assert re.search(rf"\b{field.name}\b", mistake.what)


def test_mail_is_set_up_in_the_references_words() -> None:
    config = read(
        "[session]\nadministrator = a@example.org, b+c@example.org\nmailServer = mail.example.org\n"
        "mailServerPort = 2525\nmailSender = webots@example.org\nmailSenderUser = webots\n"
        "mailSenderPassword = sesame\n",
        SessionConfig,
    ).session
    assert config.administrator == ("a@example.org", "b+c@example.org")
    assert (config.mailServer, config.mail_port, config.mailSecurity) == ("mail.example.org", 2525, "starttls")
    assert (config.mailSenderUser, config.mailSenderPassword) == ("webots", Secret("sesame"))
    assert "sesame" not in repr(config)


def test_people_reach_a_session_server_where_the_configuration_says() -> None:
    for options, page in (
        ("server = a.example.org\n", "http://a.example.org:1999/monitor"),
        ("server = a.example.org\nport = 80\n", "http://a.example.org/monitor"),
        ("publicUrl = https://b.example.org/1999\n", "https://b.example.org/1999/monitor"),
    ):
        assert read(f"[session]\n{options}").session.public_address.monitor_url == page


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("plain", 25)])
def test_a_mail_server_has_the_usual_port_where_none_is_given(security: str, port: int) -> None:
    assert read(f"[session]\nmailSecurity = {security}\n").session.mail_port == port


@pytest.mark.parametrize(
    ("options", "option", "what"),
    [
        ({"administrator": "a@b.org"}, "mailServer", "give mailServer and mailSender"),
        ({"mailServer": "b.org", "mailSender": "c@b.org"}, "administrator", "give administrator"),
        ({"mailSenderUser": "c"}, "mailSenderUser", "give mailSenderPassword"),
        ({"mailSenderPassword": "sesame"}, "mailSenderPassword", "give mailSenderUser"),
        (
            {"mailSenderUser": "c", "mailSenderPassword": "sesame", "mailSecurity": "plain"},
            "mailSecurity",
            "write starttls, or tls",
        ),
        (
            {"mailSenderUser": "c", "mailSenderPassword": "sesame", "mailSenderPasswordFile": "/dev/null"},
            "mailSenderPasswordFile",
            "remove one of them",
        ),
    ],
)
def test_options_of_mail_belong_together(options: dict[str, str], option: str, what: str) -> None:
    lines = "".join(f"{name} = {value}\n" for name, value in options.items())
    told = [mistake for mistake in mistakes(f"[session]\n{lines}", SessionConfig) if mistake.option == option]
    assert any(what in mistake.what for mistake in told)
    assert "sesame" not in str(told)


@pytest.mark.parametrize(
    "line",
    ["port", "= 5", ": 5", "[session", "session]", "[]", "[ ]", "[[session]]", "port = 5 \x00", "port = 5 \u2028 6"],
)
def test_a_line_that_is_nothing_is_a_mistake_and_the_next_ones_are_read(line: str) -> None:
    found = places(f"[session]\n{line}\n[host]\nport = 0\n")
    assert [number for number, _, _ in found] == [2, 4]


def test_lines_that_continue_a_mistake_are_none_of_their_own() -> None:
    assert places("[session]\nnothing\n   at all\nport = 0\n") == [(2, "session", ""), (4, "session", "port")]


def test_only_the_first_line_before_all_sections_is_told() -> None:
    assert places("root:x:0\nbin:x:1\n[session]\nport = 0\n") == [(1, "", ""), (4, "session", "port")]


def test_a_value_that_takes_several_lines_is_told_at_its_first() -> None:
    (mistake,) = mistakes("[simulation]\n\nhostPorts = 80,\n   443\n   x\n")
    assert (mistake.line, mistake.option) == (3, "hostPorts")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (b"[session]\nserver = \xff\n", "the configuration is not UTF-8 text; save it as UTF-8"),
        ("[session]\nport = 5\n".encode("utf-16"), "the configuration is not UTF-8 text; save it as UTF-8"),
    ],
)
def test_a_file_that_is_not_utf_8_is_told_as_such(text: bytes, what: str) -> None:
    assert mistakes(text) == (Mistake("webots-cloud.ini", None, "", "", what),)


def test_what_some_editors_put_before_utf_8_does_not_matter() -> None:
    assert read(b"\xef\xbb\xbf[session]\r\nport = 5\r\n").session.port == 5


@pytest.mark.parametrize(("name", "reason"), [("absent.ini", "No such file or directory"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read_is_told_with_its_name(name: str, reason: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read_config(Path(name), SECTIONS)
    assert (
        str(raised.value)
        == f"{name}: the configuration cannot be read ({reason}); name a file that is there and readable"
    )


@pytest.mark.parametrize("delimiter", ["=", " = ", ":", " : ", "\t=\t"])
def test_case_and_space_do_not_matter(delimiter: str) -> None:
    config = read(f"[ SESSION ]\nPORT{delimiter}5\n[Simulation]  ; the second\nmaxconnections{delimiter}7\n")
    assert (config.session.port, config.simulation.maxConnections) == (5, 7)


def test_sections_and_options_may_be_indented() -> None:
    config = read("  [session]\n    port = 5\n    server = a\n  [host]\n    port = 6\n")
    assert (config.session.port, config.session.server, config.host.port) == (5, "a", 6)


def test_comments_and_empty_lines_are_left_out_of_values() -> None:
    config = read("# first\n[session]\n; port = 3\nsimulationServers = a:1,\n  # b:1\n\n  c:1 , d:1\n  e:1\n")
    assert [str(server) for server in config.session.simulationServers] == ["a:1", "c:1", "d:1", "e:1"]
    assert config.session.port == 1999


def test_values_may_hold_what_separates_and_what_looks_like_a_comment(tmp_path: Path) -> None:
    folder = tmp_path / "a=b: #c %(x)s"
    folder.mkdir()
    assert read(f"[simulation]\nprojectsDir = {folder}\n", SimulationConfig).simulation.projectsDir == folder


def test_without_a_file_there_are_defaults() -> None:
    assert read_config(None, ()) == read("")


@pytest.mark.parametrize("section", [section.section for section in SECTIONS])
def test_the_shipped_file_has_every_option_of_a_section_in_its_spelling(section: str) -> None:
    (known,) = (known for known in SECTIONS if known.section == section)
    part = re.split(r"^\[(\w+)\]$", SHIPPED.read_text(), flags=re.MULTILINE)
    shown = re.findall(r"^#(\w+) =", part[part.index(section) + 1], re.MULTILINE)
    assert sorted(shown) == sorted(field.name for field in options_of(known))


def test_the_shipped_file_shows_exactly_the_defaults() -> None:
    shipped = SHIPPED.read_text()
    uncommented = re.sub(r"^#(?=\w+ =)", "", shipped, flags=re.MULTILINE)
    assert uncommented.count("\n#") < shipped.count("\n#")
    assert read(uncommented) == read(shipped) == read_config(None, ())
    for section in SECTIONS:
        for field in options_of(section):
            default = field.metadata["default"]
            assert f"\n#{field.name} = {default}".rstrip() + "\n" in shipped


def test_the_manuals_example_of_encryption_is_a_configuration_without_mistakes(tmp_path: Path) -> None:
    section = MANUAL.read_text().partition("## How do the servers encrypt by themselves?")[2].partition("\n## ")[0]
    (example,) = re.findall(r"```ini\n(.*?)```", section, re.DOTALL)
    for name in ("fullchain.pem", "privkey.pem", "a.org"):
        (tmp_path / name).write_text("sesame\n")
    text = example.replace("/etc/webots-cloud/", f"{tmp_path}/")
    text = text.replace("[simulation]", f"[simulation]\nkeyDir = {tmp_path}")
    text = text.replace("[host]", f"[host]\nkeyFile = {tmp_path}/a.org")
    config = read(text, *SECTIONS)
    assert [server.websocket_url for server in config.session.servers] == [config.simulation.url("ws")]
    assert [config.session.url("ws"), config.host.url("http")] == [
        "wss://robots.example.org:1999",
        "https://robots.example.org:8080",
    ]


def test_the_shipped_file_says_something_of_every_option() -> None:
    before = ""
    for line in SHIPPED.read_text().splitlines():
        if re.match(r"#\w+ =", line):
            assert before.startswith("#")
        before = line


def test_the_defaults_are_those_of_the_reference() -> None:
    config = read_config(None, ())
    assert (config.session.port, config.simulation.port, config.simulation.maxConnections) == (1999, 2000, 100)
    assert config.simulation.webotsHome is None


def test_files_are_looked_at_for_the_sections_in_use_only() -> None:
    text = "[session]\nlogDir = /dev/null/log\n[simulation]\nkeyDir = /absent\n[host]\nkeyFile = /absent\n"
    assert places(text, SessionConfig) == [(2, "session", "logDir")]
    assert places(text, SimulationConfig) == [(4, "simulation", "keyDir")]
    assert places(text, HostConfig) == [(6, "host", "keyFile")]
    assert read(text).host.keyFile == Path("/absent")


def test_defaults_are_not_looked_at_before_the_file_is_right(tmp_path: Path) -> None:
    assert places("[session]\nport = x\n", *SECTIONS) == [(2, "session", "port")]
    assert not (tmp_path / "state").exists()
    assert places("", HostConfig) == [(None, "host", "keyFile")]


def test_what_a_first_start_lacks_is_made_before_files_are_looked_at(tmp_path: Path) -> None:
    def prepare(config: Config) -> None:
        config.host.keyFile.parent.mkdir(parents=True)
        config.host.keyFile.write_text("sesame\n")

    config = read_config(None, SECTIONS, prepare)
    assert config.host.keyFile == tmp_path / "state" / "keys" / "localhost"
    assert config.simulation.instancesDir.is_dir()
    assert config.host.dataDir.is_dir()


def test_nothing_is_made_for_a_file_with_mistakes() -> None:
    made: list[Config] = []
    Path("wrong.ini").write_text("[session]\nport = x\n")
    with pytest.raises(ConfigError):
        read_config(Path("wrong.ini"), SECTIONS, made.append)
    assert made == []


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("network = host\nport = 65000\nmaxConnections = 536\n", "maxConnections"),
        ("network = host\nport = 65535\nmaxConnections = 1\n", "maxConnections"),
        ("sandbox = none\n", "network"),
        ("gate = direct\n", "gate"),
        ("monitorLogEnabled = yes\n", "monitorLogEnabled"),
    ],
)
def test_options_that_do_not_go_together_are_a_mistake(text: str, option: str) -> None:
    Path("keys").mkdir()
    text = f"[simulation]\nkeyDir = {Path('keys').absolute()}\n{text}"
    assert [found[1:] for found in places(text, SimulationConfig)] == [("simulation", option)]


@pytest.mark.parametrize("section", [section.section for section in SERVERS])
@pytest.mark.parametrize(
    ("text", "option", "what"),
    [
        ("sslCertificate = $HERE/c\n", "sslCertificate", "a certificate is of no use without its private key"),
        ("sslKey = $HERE/k\n", "sslKey", "a private key is of no use without its certificate"),
        ("tlsListen = tcp:443\n", "tlsListen", "there is no certificate to encrypt with"),
        ("hsts = 3600\n", "hsts", "browsers must not be told to encrypt what is not encrypted"),
        ("sslCertificate = $HERE/c\nsslKey = $HERE/k\nlisten = tcp:80\n", "listen", "give tlsListen as well"),
        (
            "sslCertificate = $HERE/c\nsslKey = $HERE/k\nlisten = tcp:80\ntlsListen = tcp:80, tcp:443\n",
            "tlsListen",
            "tcp:80 is in listen as well",
        ),
        ("sslCertificate = $HERE/absent\nsslKey = $HERE/k\n", "sslCertificate", "/absent cannot be read by this user"),
    ],
)
def test_encryption_that_is_only_half_there_is_a_mistake(
    section: str, text: str, option: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERE", str(tmp_path))
    (tmp_path / "keys").mkdir()
    for name in ("c", "k", "key"):
        (tmp_path / name).write_text("sesame\n")
    own = {"session": "", "simulation": "keyDir = $HERE/keys\n", "host": "keyFile = $HERE/key\n"}
    (used,) = (known for known in SECTIONS if known.section == section)
    (mistake,) = mistakes(f"[{section}]\n{own[section]}{text}", used)
    assert (mistake.section, mistake.option) == (section, option)
    assert what in mistake.what


@pytest.mark.parametrize("more", ["", "portRewrite = yes\n"])
def test_ports_of_instances_are_encrypted_by_a_web_server_in_front_only(
    more: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERE", str(tmp_path))
    (tmp_path / "pem").touch()
    text = (
        "[simulation]\nnetwork = host\ngate = direct\nsslCertificate = $HERE/pem\nsslKey = $HERE/pem\n"
        f"keyDir = $HERE\n{more}"
    )
    (tmp_path / "pem").write_text("sesame\n")
    if more:
        read(text, SimulationConfig)
    else:
        assert [found[1:] for found in places(text, SimulationConfig)] == [("simulation", "gate")]


@pytest.mark.parametrize("section", ["session", "simulation"])
def test_authorities_of_ones_own_are_certificates(section: str, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\nsesame\n-----END CERTIFICATE-----\n")
    (used,) = (known for known in SECTIONS if known.section == section)
    (mistake,) = mistakes(f"[{section}]\ncaFile = {tmp_path}/ca.pem\n", used)
    assert (mistake.option, "has no certificates in PEM, or broken ones" in mistake.what) == ("caFile", True)
    (tmp_path / "ca.pem").write_bytes(make_certificate()[1])
    assert read(f"[{section}]\ncaFile = {tmp_path}/ca.pem\n", used)


@pytest.mark.parametrize(
    "text",
    [
        "network = host\nport = 65000\nmaxConnections = 535\n",
        "port = 65535\n",
        "sandbox = none\nnetwork = host\n",
        "network = host\ngate = direct\n",
        "monitorLogEnabled = yes\nlogDir = $PWD\n",
    ],
)
def test_options_that_go_together_are_none(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PWD", str(tmp_path))
    read(f"[simulation]\n{text}", SimulationConfig)


def test_ports_are_those_of_the_endpoints_where_there_are_some() -> None:
    config = read("[session]\nport = 5\n[host]\nport = 6\nlisten = unix:/run/socket, tcp:7:interface=127.0.0.1\n")
    assert (config.session.endpoints, config.session.public_port) == (("tcp:5",), 5)
    assert config.host.endpoints == ("unix:/run/socket", "tcp:7:interface=127.0.0.1")
    assert config.host.public_port == 7


LIKELY = "[ ] [session] [host] = : # ; , $ ~ ${ } port keyFile /"
WORDS = st.sampled_from(["\n", "\n  ", *LIKELY.split(" ")])


def told_of(file: Path) -> list[str]:
    try:
        read_config(file, ())
    except ConfigError as error:
        return str(error).splitlines()
    return []


def is_config_or_mistakes(text: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "any.ini")
        file.write_bytes(text)
        told = told_of(file)
    assert all(re.match(r".*/any\.ini(:[0-9]+)?: ", line) for line in told)


@given(st.binary(max_size=300))
def test_no_file_at_all_fails_in_another_way(text: bytes) -> None:
    is_config_or_mistakes(text)


@given(st.lists(WORDS | st.text(max_size=5), max_size=30))
def test_no_text_that_resembles_a_configuration_fails_in_another_way(words: list[str]) -> None:
    is_config_or_mistakes("".join(words).encode("utf-8", "surrogatepass"))


def test_an_encrypted_page_has_an_encrypted_session_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERE", str(tmp_path))
    (tmp_path / "pem").write_text("sesame\n")
    text = "[host]\nkeyFile = $HERE/pem\nsslCertificate = $HERE/pem\nsslKey = $HERE/pem\nsessionServer = "
    assert places(f"{text}ws://localhost:1999\n", HostConfig) == [(5, "host", "sessionServer")]
    assert read(f"{text}wss://localhost:1999\n", HostConfig).host.sessionServer == "wss://localhost:1999"


ACME = "[acme]\nenabled = yes\nagreeToTerms = yes\n"


def test_an_authority_certifies_those_servers_that_have_no_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERE", str(tmp_path))
    for text, automatic, encrypted in (
        ("", False, False),
        (ACME, True, True),
        (f"{ACME}[session]\nsslCertificate = $HERE/c\nsslKey = $HERE/k\n", False, True),
        (f"{ACME}[session]\nlisten = tcp:80\ntlsListen = tcp:443\nhsts = 60\n", True, True),
    ):
        session = read(text).session
        assert (session.automatic, session.encrypted) == (automatic, encrypted)
    assert session.url("ws") == "wss://localhost"


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("enabled = yes\n", "agreeToTerms"),
        ("eabKeyId = me\n", "eabKeyId"),
        ("eabKey = c2VzYW1l\n", "eabKey"),
        ("names = *.example.org\n", "names"),
        ("names = example.org, 192.0.2.1\n", "names"),
        ("names = example.org, Example.org\n", "names"),
        ("names = a b\n", "names"),
        ("directory = http://localhost/\n", "directory"),
        ("directory = there\n", "directory"),
        ("challenge = dns-01\n", "challenge"),
        ("caFile = /is/not/there\n", "caFile"),
        ("challengeListen = ssl:80\n", "challengeListen"),
        ("renewBefore = 0\n", "renewBefore"),
    ],
)
def test_what_no_authority_can_do_is_a_mistake(text: str, option: str) -> None:
    assert [(found.section, found.option) for found in mistakes(f"[acme]\n{text}", AcmeConfig)] == [("acme", option)]


def test_two_authorities_have_names() -> None:
    assert read("[acme]\ndirectory = Staging\n").acme.directory.startswith("https://acme-staging-v02.")
    assert read("").acme.directory == "https://acme-v02.api.letsencrypt.org/directory"


def test_the_key_by_which_an_authority_knows_the_operator_is_not_shown() -> None:
    config = read("[acme]\neabKeyId = me\neabKey = c2VzYW1l\n")
    assert config.acme.eabKey.reveal() == "c2VzYW1l"
    assert "c2VzYW1l" not in repr(config)


@pytest.mark.parametrize("section", ["session", "simulation"])
def test_who_may_see_the_monitor_page_is_read_and_the_password_is_not_shown(section: str) -> None:
    config = read(f"[{section}]\nmonitorPassword = a % b, c\nmonitorNetworks = 192.0.2.7, 2001:db8::/32\n")
    server = getattr(config, section)
    assert server.monitorPassword.reveal() == "a % b, c"
    assert "a % b" not in repr(config)
    assert server.monitorNetworks == (ip_network("192.0.2.7"), ip_network("2001:db8::/32"))


def test_nobody_is_kept_from_the_monitor_page_unless_that_is_wanted() -> None:
    config = read("")
    for server in (config.session, config.simulation):
        assert not server.monitorPassword
        assert server.monitorNetworks == ()


def test_the_manuals_example_of_automatic_certificates_is_a_configuration_without_mistakes(tmp_path: Path) -> None:
    section = MANUAL.read_text().partition("## How do the servers get certificates by themselves?")[2]
    (example,) = re.findall(r"```ini\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    (tmp_path / "a.org").write_text("sesame\n")
    text = example.replace("[simulation]", f"[simulation]\nkeyDir = {tmp_path}")
    config = read(text.replace("[host]", f"[host]\nkeyFile = {tmp_path}/a.org"), *SECTIONS)
    assert [server.automatic for server in (config.session, config.simulation, config.host)] == [True] * 3
    assert config.host.url("http") == "https://robots.example.org"
    assert config.simulation.tls_endpoints == ("tcp:2000",)
