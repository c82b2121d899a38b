"""The reference servers' JSON files as a configuration that our servers read."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.command.commanding import told, webots_cloud
from webots_cloud.command.importing.keys import KEYS
from webots_cloud.command.importing.old_file import OldFile, UnreadableFile, read_old_file
from webots_cloud.command.importing.translating import Imported, translate
from webots_cloud.config import Config, read_config

SESSION = {
    "port": 1999,
    "server": "session.example.org",
    "simulationServers": ["simulation1.example.org:2000", "simulation2.example.org:2000"],
    "logDir": "/var/log/webots",
    "debug": True,
}
SIMULATION = {
    "port": 2010,
    "fullyQualifiedDomainName": "simulation1.example.org",
    "sslKey": "/etc/ssl/private/key.pem",
    "sslCertificate": "/etc/ssl/cert.pem",
    "ssl": True,
    "webotsHome": "/usr/local/webots",
    "projectsDir": "/srv/projects",
    "keyDir": "/srv/keys",
    "maxConnections": 20,
    "timeout": 3600,
    "docker": True,
    "allowedRepositories": ["https://github.com/cyberbotics/*"],
    "shareIdleTime": 50,
    "notify": ["https://example.org"],
}


def imported(section: str, values: Any) -> Imported:
    return translate([OldFile(Path(f"{section}.json"), section, values)])


def read_back(made: Imported) -> Config:
    """Read it as our servers do."""
    file = Path("imported.ini")
    file.write_text(made.ini)
    return read_config(file, ())


def test_what_a_session_server_was_told_ours_are_told() -> None:
    made = imported("session", SESSION)
    config = read_back(made).session
    assert (config.port, config.server) == (1999, "session.example.org")
    assert [str(server) for server in config.simulationServers] == SESSION["simulationServers"]
    assert str(config.logDir) == "/var/log/webots"
    (note,) = made.notes
    assert note.startswith(
        "session.json: debug: there is nothing like it here: start the server with twist --log-level"
    )


def test_what_a_simulation_server_was_told_ours_are_told() -> None:
    made = imported("simulation", SIMULATION)
    config = read_back(made).simulation
    assert (config.port, config.server, config.maxConnections) == (2010, "simulation1.example.org", 20)
    assert str(config.sslKey) == "/etc/ssl/private/key.pem"
    assert str(config.sslCertificate) == "/etc/ssl/cert.pem"
    assert config.encrypted
    assert str(config.webotsHome) == "/usr/local/webots"
    assert (str(config.projectsDir), str(config.keyDir)) == ("/srv/projects", "/srv/keys")
    assert config.totalTimeoutSeconds == 3600
    assert [note.split(": ")[1] for note in made.notes] == ["docker", "allowedRepositories", "shareIdleTime", "notify"]
    for note in made.notes:
        assert f"# {note.partition(': ')[2]}\n" in made.ini


@pytest.mark.parametrize("section", ["session", "simulation"])
def test_every_key_of_the_reference_is_taken_or_listed(section: str) -> None:
    values = {"port": 1, "server": "a.org", "fullyQualifiedDomainName": "a.org", "timeout": 5, "maxConnections": 3}
    values |= {"simulationServers": ["a.org:1"], "mailServerPort": 25, "monitorLogEnabled": False, "portRewrite": False}
    for key in KEYS[section]:
        value = values.get(key, "/a/path")
        made = imported(section, {key: value})
        read_back(made)
        assert made.notes or "\n" in made.ini.partition("]\n")[2] or key in ("portRewrite", "ssl"), key


def test_a_rewriting_web_server_is_told_by_its_slash() -> None:
    made = imported("session", {**SESSION, "portRewrite": True, "ssl": True})
    assert [str(server) for server in read_back(made).session.servers] == [
        "simulation1.example.org/2000",
        "simulation2.example.org/2000",
    ]
    assert len(made.notes) == 1
    assert read_back(imported("simulation", {"portRewrite": True})).simulation.portRewrite


def test_a_certificate_that_was_not_used_is_not_used() -> None:
    made = imported("simulation", {**SIMULATION, "ssl": False})
    assert not read_back(made).simulation.encrypted
    assert sum("as ssl was false" in note for note in made.notes) == 2


def test_encryption_without_a_certificate_is_told() -> None:
    (note,) = imported("session", {"ssl": True}).notes
    assert "there is no certificate" in note


def test_what_would_keep_our_servers_from_starting_is_left_out() -> None:
    made = imported("simulation", {"monitorLogEnabled": True, "sslKey": "/etc/key.pem"})
    config = read_back(made).simulation
    assert not list(config.contradictions())
    assert not config.monitorLogEnabled
    assert config.sslKey is None
    assert len(made.notes) == 2


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("port", 0),
        ("port", "many"),
        ("port", None),
        ("server", "a.org\n[host]\nsignUp = no"),
        ("server", "a b"),
        ("logDir", "relative/path"),
        ("logDir", "$THIS_IS_NOT_SET/log"),
        ("logDir", ["/a", "/b"]),
        ("simulationServers", "localhost:2000"),
        ("simulationServers", ["localhost:2000", 3]),
        ("simulationServers", []),
        ("simulationServers", ["a.org:1\n[host]"]),
        ("ssl", "yes"),
        ("colour\n[host]", "red"),
    ],
)
def test_what_cannot_be_said_is_listed_and_left_out(key: str, value: object) -> None:
    made = imported("session", {key: value})
    (note,) = made.notes
    assert "\n" not in note
    assert read_back(made).session == read_config(None, ()).session


@given(
    st.dictionaries(
        st.sampled_from([*KEYS["session"], *KEYS["simulation"]]) | st.text(),
        st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists),
    ),
    st.sampled_from(["session", "simulation"]),
)
def test_whatever_is_in_it_our_servers_can_read_the_result(values: dict[str, Any], section: str) -> None:
    made = imported(section, values)
    config = read_back(made)
    listed = {note.split(": ")[1] for note in made.notes}
    assert {option for option, _ in getattr(config, section).contradictions()} <= listed
    assert all(note.isprintable() for note in made.notes)


def test_no_secret_is_told() -> None:
    secret = "correct-horse"
    made = imported(
        "session",
        {
            "mailSenderPassword": secret,
            "githubToken": secret,
            "simulationServers": [f"https://operator:{secret}@a.org:2000"],
        },
    )
    assert secret not in "".join(made.notes)
    assert secret not in "".join(line for line in made.ini.splitlines() if line.startswith("#"))
    assert secret not in repr(made)


def test_a_password_goes_into_the_configuration_which_then_is_nobody_elses() -> None:
    mail = {
        "administrator": "admin@example.org",
        "mailServer": "mail.example.org",
        "mailServerPort": 587,
        "mailSender": "webots@example.org",
        "mailSenderUser": "webots",
        "mailSenderPassword": "correct horse, battery = staple # 1",
    }
    Path("session.json").write_text(json.dumps(mail))
    ended = webots_cloud("import", "session.json", "--output", "new.ini")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert stat.S_IMODE(Path("new.ini").stat().st_mode) == 0o600
    config = read_config(Path("new.ini"), ()).session
    assert config.mailSenderPassword.reveal() == mail["mailSenderPassword"]
    assert (config.administrator, config.mail_port) == (("admin@example.org",), 587)


def test_both_files_make_one_configuration_on_standard_output() -> None:
    Path("one.json").write_text(json.dumps(SIMULATION))
    Path("two.json").write_text("\ufeff" + json.dumps(SESSION))
    ended = webots_cloud("import", "one.json", "two.json")
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 5
    assert "one.json: docker: " in ended.stderr
    config = read_back(Imported(ended.stdout, (), False))
    assert (config.session.server, config.simulation.port) == ("session.example.org", 2010)
    as_json = told("import", "one.json", "two.json", status=1)
    assert as_json["ini"] == ended.stdout
    assert "".join(f"{note}\n" for note in as_json["notes"]) == ended.stderr


def test_nothing_is_told_where_everything_was_taken() -> None:
    Path("session.json").write_text('{"port": 3000}')
    ended = webots_cloud("import", "session.json")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "# From session.json.\n[session]\nport = 3000\n"


def test_a_file_is_written_and_never_replaced_unless_that_is_wanted() -> None:
    Path("session.json").write_text('{"port": 3000}')
    new = Path("new.ini")
    assert webots_cloud("import", "session.json", "--output", new).returncode == 0
    assert read_config(new, ()).session.port == 3000
    assert stat.S_IMODE(new.stat().st_mode) == 0o644
    new.write_text("mine")
    refused = webots_cloud("import", "session.json", "--output", new)
    assert refused.returncode == 1
    assert refused.stderr == "webots-cloud: new.ini is there already; name another file, or give --force\n"
    assert new.read_text() == "mine"
    assert webots_cloud("import", "session.json", "-o", new, "--force").returncode == 0
    assert read_config(new, ()).session.port == 3000
    assert sorted(path.name for path in Path().iterdir() if path.is_file()) == ["new.ini", "session.json"]
    refused = webots_cloud("import", "session.json", "--output", "/is/not/there.ini")
    assert refused.returncode == 1
    assert "/is/not/there.ini cannot be written (No such file or directory)" in refused.stderr


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"{", "old.json:1: this is not JSON"),
        (b"[1]", "has no object"),
        (b'{"port": 1}', "has no key that tells"),
        (b'{"maxConnections": 1, "simulationServers": []}', "has keys of both servers"),
        (b"\xff\xfe", "is not JSON in UTF-8"),
        (b"[" * 100_000, "is not JSON in UTF-8"),
        (b" " * 1_000_001, "has more than"),
    ],
)
def test_what_is_no_configuration_is_refused(content: bytes, why: str) -> None:
    Path("old.json").write_bytes(content)
    with pytest.raises(UnreadableFile) as refused:
        read_old_file(Path("old.json"))
    assert why in str(refused.value)


def test_of_which_server_a_file_is_its_name_may_tell() -> None:
    Path("my-session.json").write_text('{"port": 1}')
    Path("simulation_server.json").write_text('{"port": 2}')
    assert read_old_file(Path("my-session.json")).section == "session"
    assert read_old_file(Path("simulation_server.json")).section == "simulation"


def test_wrong_uses_are_told_apart_by_their_status() -> None:
    Path("session.json").write_text('{"port": 1}')
    Path("session2.json").write_text('{"port": 2}')
    assert webots_cloud("import", "missing.json").returncode == 78
    assert webots_cloud("import", "session.json", "session2.json").returncode == 2
    assert webots_cloud("import").returncode == 2
