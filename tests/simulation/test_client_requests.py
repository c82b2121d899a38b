"""What a client says as checked values: what is understood, and that nothing else gets through (docs/protocol.md 2)."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webots_cloud.errors import BadName, BadRequest, ClientError, GitHubNotSupported, RequestTooLong
from webots_cloud.secret import Secret
from webots_cloud.simulation.request import (
    MAX_MESSAGE_BYTES,
    AllowBroadcast,
    Extend,
    ResetController,
    StartRequest,
    User,
    WebsiteHost,
    parse_host,
    parse_message,
    parse_origin,
)

NO_NAMES = [
    "",
    ".",
    "..",
    ".hidden",
    "a/b",
    "../a",
    "/etc",
    "a\\b",
    "a\nb",
    "a\tb",
    "n" * 101,
    "-rf",
    " a",
    "~",
    "\u00e4",
]
FIELDS = ["https://robotbenchmark.net", "simple", "simple.wbt", "", "", "", "", "", ""]


def init(**changed: object) -> bytes:
    """Make an C{init}; C{f1=...} changes the second field."""
    fields: list[object] = list(FIELDS)
    for name, value in changed.items():
        fields[int(name[1:])] = value
    return json.dumps({"init": fields}).encode()


def started(payload: bytes) -> StartRequest:
    request = parse_message(payload)
    assert isinstance(request, StartRequest)
    return request


class TestInit:
    def test_nine_fields_are_a_request(self) -> None:
        assert started(init()) == StartRequest(
            host=WebsiteHost("https", "robotbenchmark.net", 443),
            project="simple",
            world="simple.wbt",
            user1=None,
            user2=None,
            custom_data="",
        )

    def test_users_have_ids_names_and_what_the_first_is_logged_in_with(self) -> None:
        request = started(init(f3="7", f4="Ada", f5="password", f6="8", f7="Grace", f8="data"))
        assert request.user1 == User("7", "Ada", Secret("password"))
        assert request.user2 == User("8", "Grace", Secret(""))
        assert request.custom_data == "data"

    def test_ids_may_be_numbers(self) -> None:
        assert started(init(f3=7)).user1 == User("7", "")

    @pytest.mark.parametrize("nobody", ["", "0", 0])
    def test_no_id_is_no_user(self, nobody: object) -> None:
        request = started(init(f3=nobody, f4="Ada", f6=nobody, f7="Grace"))
        assert (request.user1, request.user2) == (None, None)

    @pytest.mark.parametrize(
        ("changed", "may"),
        [({}, True), ({"f3": "7", "f5": "password"}, True), ({"f3": "7"}, False), ({"f3": "7", "f6": "8"}, False)],
    )
    def test_controllers_may_be_edited_by_their_owner_or_where_there_is_none(
        self, changed: dict[str, object], may: bool
    ) -> None:
        assert started(init(**changed)).may_edit is may

    def test_what_a_user_is_logged_in_with_is_never_shown(self) -> None:
        assert "password" not in repr(started(init(f3="7", f5="password")))

    @pytest.mark.parametrize(
        "payload",
        [
            json.dumps({"init": FIELDS[:8]}),
            json.dumps({"init": [*FIELDS, ""]}),
            json.dumps({"init": dict.fromkeys(FIELDS)}),
            json.dumps({"init": "simple"}),
            json.dumps({"init": None}),
            json.dumps({"init": FIELDS, "reset controller": "go/go.py"}),
            json.dumps({"stop": FIELDS}),
            json.dumps({}),
            json.dumps(FIELDS),
            json.dumps("init"),
            "null",
            "7",
            "",
            "{",
            "x3d",
            "{'init': []}",
            "[" * 20_000,
            '{"init":' * 5_000,
            "1" * 10_000,
            '{"init": [' + "9" * 60_000 + "]}",
            '\ufeff{"init": []}',
        ],
        ids=lambda payload: payload[:30],
    )
    def test_anything_else_is_no_request(self, payload: str) -> None:
        with pytest.raises(BadRequest):
            parse_message(payload.encode())

    @pytest.mark.parametrize("payload", [b"\xff\xfe{", b"\x80", b'{"init": "\xff"}', b"\0" * 100])
    def test_bytes_that_are_no_text_are_no_request(self, payload: bytes) -> None:
        with pytest.raises(BadRequest):
            parse_message(payload)

    @pytest.mark.parametrize("field", range(9))
    @pytest.mark.parametrize("value", [None, True, 1.5, [], {}, "nul\0", "\ud800"], ids=repr)
    def test_a_field_that_is_no_text_is_no_request(self, field: int, value: object) -> None:
        with pytest.raises(BadRequest):
            parse_message(init(**{f"f{field}": value}))

    def test_a_message_may_have_64_kib_and_not_more(self) -> None:
        room = MAX_MESSAGE_BYTES - len(init())
        assert started(init(f8="x" * room)).custom_data == "x" * room
        with pytest.raises(RequestTooLong):
            parse_message(init(f8="x" * (room + 1)))

    def test_github_is_refused_with_its_own_sentence(self) -> None:
        with pytest.raises(GitHubNotSupported):
            parse_message(b'{"start": {"url": "https://github.com/a/b/blob/main/worlds/c.wbt"}}')


class TestNames:
    @pytest.mark.parametrize("name", ["simple", "4_wheels", "A-Z (2)", "v1.2+3", "_private", "n" * 100])
    def test_plain_names_are_taken(self, name: str) -> None:
        request = started(init(f1=name, f2=f"{name[:96]}.wbt"))
        assert (request.project, request.world) == (name, f"{name[:96]}.wbt")

    @pytest.mark.parametrize("name", NO_NAMES)
    def test_other_project_names_are_refused(self, name: str) -> None:
        with pytest.raises(BadName):
            parse_message(init(f1=name))

    @pytest.mark.parametrize("name", [f"{name}.wbt" for name in NO_NAMES])
    def test_other_world_names_are_refused(self, name: str) -> None:
        with pytest.raises(BadName):
            parse_message(init(f2=name))

    @pytest.mark.parametrize("name", ["simple", "simple.wbo", "simple.WBT", "simple.wbt.txt", "simple.wbt\n", ""])
    def test_worlds_end_with_wbt(self, name: str) -> None:
        with pytest.raises(BadName):
            parse_message(init(f2=name))

    def test_the_client_is_told_which_name_on_one_line(self) -> None:
        with pytest.raises(BadName, match=r"^\.\. / evil is not the name of a project\.$"):
            parse_message(init(f1="..\n/\x1b evil"))


class TestHost:
    @pytest.mark.parametrize(
        ("text", "host"),
        [
            ("https://robotbenchmark.net", WebsiteHost("https", "robotbenchmark.net", 443)),
            ("https://robotbenchmark.net/", WebsiteHost("https", "robotbenchmark.net", 443)),
            ("https://www.robotbenchmark.net", WebsiteHost("https", "robotbenchmark.net", 443)),
            ("https://robotbenchmark.net:443", WebsiteHost("https", "robotbenchmark.net", 443)),
            ("HTTP://Localhost:8080", WebsiteHost("http", "localhost", 8080)),
            ("http://localhost", WebsiteHost("http", "localhost", 80)),
            ("http://a-b.example.org:81", WebsiteHost("http", "a-b.example.org", 81)),
        ],
    )
    def test_is_a_scheme_a_name_and_a_port(self, text: str, host: WebsiteHost) -> None:
        assert parse_host(text) == host

    @pytest.mark.parametrize(
        ("text", "url"),
        [
            ("http://localhost:80", "http://localhost"),
            ("https://www.example.org:443/", "https://example.org"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("https://localhost:80", "https://localhost:80"),
        ],
    )
    def test_has_one_url(self, text: str, url: str) -> None:
        assert parse_host(text).url == url
        assert parse_host(url) == parse_host(text)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "localhost",
            "localhost:8080",
            "//localhost",
            "file:///etc/passwd",
            "file://localhost/etc",
            "ftp://localhost",
            "ftp://localhost:80",
            "gopher://localhost",
            "javascript:alert(1)",
            "http://",
            "http:///path",
            "http://localhost/path",
            "http://localhost//",
            "http://localhost?query",
            "http://localhost/#fragment",
            "http://user@localhost",
            "http://user:pass@localhost",
            "http://localhost@127.0.0.1",
            "http://127.0.0.1",
            "http://127.1",
            "http://2130706433",
            "http://0x7f000001",
            "http://0x7f.1",
            "http://[::1]",
            "http://[::1]:8080",
            "http://localhost:0",
            "http://localhost:65536",
            "http://localhost:-1",
            "http://localhost:port",
            "http://localhost:",
            "http://localhost.",
            "http://.localhost",
            "http://local..host",
            "http://-localhost",
            "http://localhost-",
            "http://local_host",
            "http://local host",
            "http://localhost\r\nX: y",
            "http://local\thost",
            " http://localhost",
            "http://localhost ",
            "http://local%68ost",
            "http://l\u00f6calhost",
            "http://\u217cocalhost",
            "http://" + "a" * 64,
            "http://" + "a." * 127 + "aa",
            "http://www.",
            "http://..",
            "http://localhost\\@evil.example",
        ],
    )
    def test_is_refused_where_it_is_anything_else(self, text: str) -> None:
        with pytest.raises(BadName):
            parse_host(text)

    def test_a_password_is_not_repeated(self) -> None:
        with pytest.raises(BadName) as refused:
            parse_host("http://user:pass@localhost")
        assert "pass" not in str(refused.value)

    @pytest.mark.parametrize("text", ["null", "chrome-extension://abcdef", "file://", ""])
    def test_an_origin_that_no_website_has_is_none(self, text: str) -> None:
        assert parse_origin(text) is None

    def test_an_origin_is_compared_without_www(self) -> None:
        assert parse_origin("https://www.example.org") == parse_host("https://example.org")
        assert parse_origin("http://example.org") != parse_host("https://example.org")


class TestResetController:
    def test_names_a_controller_and_a_file(self) -> None:
        assert parse_message(b'{"reset controller": "go/go.py"}') == ResetController("go", "go.py")

    @pytest.mark.parametrize(
        "path", ["", "go", "go/", "/go.py", "go/lib/go.py", "../go.py", "go/..", "./go", "go/.go", "go/a\0b", "/", "//"]
    )
    def test_other_paths_are_refused(self, path: str) -> None:
        with pytest.raises(BadName):
            parse_message(json.dumps({"reset controller": path}).encode())

    @pytest.mark.parametrize("argument", [None, 7, ["go/go.py"], {"go": "go.py"}])
    def test_other_types_are_refused(self, argument: object) -> None:
        with pytest.raises(BadRequest):
            parse_message(json.dumps({"reset controller": argument}).encode())


class TestAllowBroadcast:
    @pytest.mark.parametrize("allowed", [True, False])
    def test_is_yes_or_no(self, allowed: bool) -> None:
        assert parse_message(json.dumps({"allowBroadcast": allowed}).encode()) == AllowBroadcast(allowed)

    @pytest.mark.parametrize("argument", [None, 0, 1, "true", "", [], [True], {}])
    def test_other_types_are_refused(self, argument: object) -> None:
        with pytest.raises(BadRequest):
            parse_message(json.dumps({"allowBroadcast": argument}).encode())


class TestExtend:
    def test_is_asked_for(self) -> None:
        assert parse_message(b'{"extend": true}') == Extend()

    @pytest.mark.parametrize("argument", [None, False, 1, 3600, "true", "", [], [True], {}])
    def test_other_values_are_refused(self, argument: object) -> None:
        with pytest.raises(BadRequest):
            parse_message(json.dumps({"extend": argument}).encode())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=10) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=20,
)


@given(payload=st.binary(max_size=200))
def test_whatever_bytes_come_the_answer_is_a_request_or_an_error_for_the_client(payload: bytes) -> None:
    with pytest.raises(ClientError):
        parse_message(payload)


@given(order=st.sampled_from(["init", "reset controller", "allowBroadcast", "extend", "start"]), argument=json_values)
def test_whatever_json_comes_the_answer_is_a_request_or_an_error_for_the_client(order: str, argument: object) -> None:
    try:
        request = parse_message(json.dumps({order: argument}).encode())
    except ClientError as error:
        told = str(error)
    else:
        told = str(request)
        assert isinstance(request, ResetController | AllowBroadcast | Extend)
    assert told.isprintable()


@given(fields=st.tuples(*[st.text(max_size=30) | st.sampled_from([*FIELDS, "..", "/", "http://a", "a.wbt"])] * 9))
def test_names_that_get_through_are_safe_in_a_path(fields: tuple[str, ...]) -> None:
    try:
        request = parse_message(json.dumps({"init": fields}).encode())
    except ClientError:
        return
    assert isinstance(request, StartRequest)
    for name in (request.project, request.world):
        assert re.fullmatch(r"[^./\\\0-][^/\\\0]*", name)
    assert re.fullmatch(r"[a-z0-9.-]+", request.host.name)
