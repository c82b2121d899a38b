"""Accounts over real sockets, as their owners, strangers and hostile pages meet them."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any, cast

from twisted.internet.defer import Deferred, gatherResults
from twisted.web.http_headers import Headers

from tests.host.running import DOWNLOAD, DRIVE, UPLOAD, HostCase
from webots_cloud.host import doors
from webots_cloud.host.account_requests import MAX_JSON_BYTES
from webots_cloud.host.doors import WRONG_PASSWORDS_OF_AN_ACCOUNT
from webots_cloud.host.recognition import SESSION_COOKIE
from webots_cloud.host.visitors import COOKIE

ADA = {"name": "Ada Lovelace", "newPassword": "correct horse"}
KEY = {"name": "ada lovelace", "password": "correct horse"}
SESSION, GUEST = SESSION_COOKIE.decode(), COOKIE.decode()


class Browser:
    """A browser with a page of the site in it.

    @ivar cookies: what it has kept.
    @ivar user: what the page was told last of its visitor.
    """

    def __init__(self, case: AccountCase) -> None:
        self.case = case
        self.cookies: dict[str, str] = {}
        self.user: dict[str, Any] = {}
        self.cookie_lines: list[str] = []

    async def read(self, path: str = "/projects.json") -> dict[str, Any]:
        response, body = await self.case.get(path, cookies=self.cookies)
        self._keep(response)
        told: dict[str, Any] = json.loads(body)
        self.user = told.get("user") or self.user
        return told

    async def ask(
        self, what: str, fields: Any, token: str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        sent = {"content-type": "application/json", "x-csrf-token": token or self.user.get("formToken", "")}
        sent.update(headers or {})
        body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
        url = f"http://127.0.0.1:{self.case.port}/account/{what}"
        response = await self.case.http.post(
            url, data=body, headers=Headers({k: [v] for k, v in sent.items()}), cookies=self.cookies
        )
        told = json.loads(await response.content())
        assert response.headers.getRawHeaders("cache-control") == ["no-store"]
        self._keep(response)
        self.user = told.get("user") or self.user
        return response.code, told

    async def done(self, what: str, fields: dict[str, str]) -> dict[str, Any]:
        code, told = await self.ask(what, fields)
        assert code == 200, told
        return told

    async def refused(self, what: str, fields: Any, **named: Any) -> dict[str, Any]:
        code, told = await self.ask(what, fields, **named)
        assert 400 <= code < 600
        assert set(told) == {"error", "field"}
        assert str(self.case.folder) not in told["error"]
        return told

    async def upload(self, **changed: str) -> str:
        return await self.case.told(UPLOAD, {**DRIVE, **changed}, cookies=self.cookies)

    @property
    def identity(self) -> dict[str, str]:
        return {"user1Id": self.user["id"], "user1Authentication": self.user["authentication"]}

    def _keep(self, response: Any) -> None:
        lines = response.headers.getRawHeaders("set-cookie", [])
        self.cookie_lines += lines
        for line in lines:
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
            if "max-age=0" in line.lower():
                del self.cookies[name]


class AccountCase(HostCase):
    async def guest(self) -> Browser:
        browser = Browser(self)
        await browser.read()
        return browser

    async def ada(self) -> Browser:
        """Somebody who has just signed up."""
        browser = await self.guest()
        await browser.done("sign-up", ADA)
        return browser

    async def elsewhere(self) -> Browser:
        """The same, with another browser."""
        browser = await self.guest()
        await browser.done("log-in", KEY)
        return browser

    def rows(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self.data / "visitors.sqlite")) as connection:
            return connection.execute(query).fetchall()

    def own(self, browser: Browser) -> Path:
        return self.data / "user" / str(browser.user["id"])


class SigningUp(AccountCase):
    async def test_a_guest_who_signs_up_stays_the_same_visitor_and_keeps_what_was_saved(self) -> None:
        ada = await self.guest()
        guest = ada.user
        assert await ada.upload() == "OK"
        told = await ada.done("sign-up", ADA)
        assert (told["user"]["id"], told["user"]["name"], told["user"]["account"]) == (guest["id"], ADA["name"], True)
        assert (await ada.read())["user"] == told["user"]
        assert (await self.download(**ada.identity))["controllers/drive/drive.py"] == "mine"

    async def test_the_cookie_of_a_session_is_random_kept_from_scripts_and_not_stored(self) -> None:
        ada = await self.ada()
        (line,) = (line for line in ada.cookie_lines if line.startswith(SESSION))
        assert {"httponly", "samesite=strict", "path=/"} <= set(line.lower().split("; "))
        assert len(ada.cookies[SESSION]) >= 43
        stored = (self.data / "visitors.sqlite").read_bytes() + (self.data / "visitors.sqlite-wal").read_bytes()
        for secret in (ada.cookies[SESSION], ADA["newPassword"], ada.user["formToken"]):
            assert secret.encode() not in stored
        assert GUEST not in ada.cookies

    async def test_the_cookie_of_the_guest_from_before_is_worth_nothing_then(self) -> None:
        ada = await self.guest()
        thief = Browser(self)
        thief.cookies, old = dict(ada.cookies), ada.identity
        await ada.done("sign-up", ADA)
        await thief.read()
        assert thief.user["id"] != ada.user["id"]
        answer = await self.told(DOWNLOAD, {"project": "simple", "key": "sesame", **old})
        assert answer == "Error: wrong user authentication; reload the page."

    async def test_a_name_is_had_once_however_it_is_written(self) -> None:
        await self.ada()
        for name in ("Ada Lovelace", " ADA  LOVELACE ", "\uff21da Lovelace"):
            refused = await (await self.guest()).refused("sign-up", {**ADA, "name": name})
            assert refused == {"error": "This name is taken; choose another one.", "field": "name"}

    async def test_of_many_at_once_who_want_a_name_one_gets_it(self) -> None:
        browsers = [await self.guest() for _ in range(6)]
        asked = [Deferred.fromCoroutine(browser.ask("sign-up", ADA)) for browser in browsers]
        answers: Any = await gatherResults(asked)
        assert Counter(code for code, _ in answers) == {200: 1, 409: 5}
        assert self.rows("SELECT count(*) FROM accounts") == [(1,)]

    async def test_a_guest_who_presses_the_button_twice_has_one_account(self) -> None:
        ada = await self.guest()
        cookies = dict(ada.cookies)
        asked = []
        for name in ("Ada", "Ada too"):
            page = Browser(self)
            page.cookies, page.user = dict(cookies), ada.user
            asked.append(Deferred.fromCoroutine(page.ask("sign-up", {**ADA, "name": name})))
        answers: Any = await gatherResults(asked)
        assert sorted(code for code, _ in answers)[0] == 200
        assert all(code in (403, 409) for code, _ in answers if code != 200)
        assert self.rows("SELECT count(*) FROM accounts") == [(1,)]

    async def test_who_has_an_account_makes_no_other(self) -> None:
        ada = await self.ada()
        refused = await ada.refused("sign-up", {**ADA, "name": "Another"})
        assert refused["error"] == "You have an account already; reload the page."

    async def test_poor_names_and_passwords_are_told_beside_their_field(self) -> None:
        browser = await self.guest()
        for change, field in (
            ({"name": "x"}, "name"),
            ({"name": "<script>alert(1)</script>"}, "name"),
            ({"name": "' OR 1=1; DROP TABLE accounts; --"}, "name"),
            ({"newPassword": "short"}, "newPassword"),
            ({"newPassword": "ada lovelace"}, "newPassword"),
            ({"newPassword": "x" * 5000}, "newPassword"),
        ):
            refused = await browser.refused("sign-up", {**ADA, **change})
            assert refused["field"] == field, refused
        assert self.rows("SELECT * FROM accounts") == []
        assert not (self.data / "user").exists()

    async def test_what_people_of_all_scripts_are_called_is_a_name(self) -> None:
        for name in ("机器人学生", "Łukasz Żółć", "Ἀλέξανδρος", "ずんだ", "عمر", "Robert_7"):
            browser = await self.guest()
            told = await browser.done("sign-up", {**ADA, "name": name})
            assert told["user"]["name"] == name

    async def test_one_address_asks_for_a_bounded_number_of_accounts(self) -> None:
        await self.patch_limit("SIGN_UPS_OF_AN_ADDRESS", 2)
        browser = await self.guest()
        await self.ada()
        await browser.refused("sign-up", ADA)
        code, told = await browser.ask("sign-up", {**ADA, "name": "Somebody else"})
        assert code == 429
        assert "too often" in told["error"]

    async def patch_limit(self, name: str, limit: int) -> None:
        """Start again with another limit."""
        cast(Any, self).patch(doors, name, limit)
        await self.host.stopService()
        self.start(self.folder / "static")


class NotSigningUp(AccountCase):
    options = {"signUp": False}  # noqa: RUF012 -- nobody changes it

    async def test_where_the_operator_does_not_want_it_nobody_signs_up(self) -> None:
        browser = await self.guest()
        assert (await browser.read())["signUp"] is False
        refused = await browser.refused("sign-up", ADA)
        assert refused["error"] == "New accounts cannot be made on this website."


class LoggingIn(AccountCase):
    async def test_another_browser_is_the_same_visitor(self) -> None:
        ada = await self.ada()
        assert await ada.upload() == "OK"
        other = await self.elsewhere()
        assert other.user["id"] == ada.user["id"]
        assert other.user["authentication"] == ada.user["authentication"]
        assert other.user["formToken"] != ada.user["formToken"]
        assert (await other.read("/account/saved.json"))["used"] == 4

    async def test_a_session_that_a_stranger_has_put_there_is_not_taken_over(self) -> None:
        await self.ada()
        victim = await self.guest()
        victim.cookies[SESSION] = "chosen-by-a-stranger"
        await victim.done("log-in", KEY)
        assert victim.cookies[SESSION] != "chosen-by-a-stranger"
        stranger = Browser(self)
        stranger.cookies = {SESSION: "chosen-by-a-stranger"}
        await stranger.read()
        assert stranger.user["account"] is False

    async def test_logging_in_again_ends_the_session_of_before(self) -> None:
        await self.ada()
        browser = await self.elsewhere()
        old = dict(browser.cookies)
        await browser.done("log-in", KEY)
        thief = Browser(self)
        thief.cookies = old
        await thief.read()
        assert thief.user["account"] is False

    async def test_nobody_is_told_whether_a_name_is_there(self) -> None:
        await self.ada()
        browser = await self.guest()
        told = [
            await browser.ask("log-in", {**KEY, **change})
            for change in ({"password": "wrong horse"}, {"name": "Nobody"}, {"name": "<no name>"}, {"name": "x" * 500})
        ]
        assert told == [(403, {"error": "Name or password is wrong.", "field": "password"})] * 4

    async def test_guessing_is_stopped_and_a_name_that_is_not_there_is_treated_alike(self) -> None:
        await self.ada()
        browser = await self.guest()
        for name in (KEY["name"], "Nobody"):
            for _ in range(WRONG_PASSWORDS_OF_AN_ACCOUNT):
                code, _ = await browser.ask("log-in", {"name": name, "password": "guess"})
                assert code == 403
            code, told = await browser.ask("log-in", {"name": name, "password": KEY["password"]})
            assert code == 429
            assert told["error"].startswith("That was tried too often; try again in ")

    async def test_many_guesses_at_once_are_no_more_than_one_after_another(self) -> None:
        await self.ada()
        browser = await self.guest()
        asked = [
            Deferred.fromCoroutine(browser.ask("log-in", {**KEY, "password": f"guess {number}"}))
            for number in range(3 * WRONG_PASSWORDS_OF_AN_ACCOUNT)
        ]
        answers: Any = await gatherResults(asked)
        codes = Counter(code for code, _ in answers)
        assert codes[403] == WRONG_PASSWORDS_OF_AN_ACCOUNT
        assert codes[403] + codes[429] == len(asked)

    async def test_right_passwords_count_against_nobody(self) -> None:
        await self.ada()
        for _ in range(WRONG_PASSWORDS_OF_AN_ACCOUNT + 1):
            await self.elsewhere()

    async def test_what_was_saved_as_a_guest_is_there_again_after_logging_out(self) -> None:
        await self.ada()
        browser = await self.guest()
        guest = browser.user["id"]
        assert await browser.upload() == "OK"
        await browser.done("log-in", KEY)
        assert (await browser.read("/account/saved.json"))["projects"] == []
        await browser.done("log-out", {})
        await browser.read("/account/saved.json")
        assert (browser.user["id"], browser.user["account"]) == (guest, False)


class LoggingOut(AccountCase):
    async def test_a_session_that_was_ended_is_of_no_use_to_who_has_kept_its_cookie(self) -> None:
        ada = await self.ada()
        thief = Browser(self)
        thief.cookies, thief.user = dict(ada.cookies), ada.user
        await ada.done("log-out", {})
        assert SESSION not in ada.cookies
        await thief.refused("restore", {"project": "simple"})
        await thief.read()
        assert thief.user["account"] is False

    async def test_other_browsers_stay_logged_in(self) -> None:
        ada = await self.ada()
        other = await self.elsewhere()
        await ada.done("log-out", {})
        assert (await other.read())["user"]["account"] is True

    async def test_guests_may_log_out_without_harm(self) -> None:
        browser = await self.guest()
        before = browser.user["id"]
        await browser.done("log-out", {})
        assert (await browser.read())["user"]["id"] == before


class ChangingThePassword(AccountCase):
    NEW = "battery staple"

    async def test_all_other_sessions_end_and_the_new_one_holds(self) -> None:
        ada = await self.ada()
        other, old_cookies, old = await self.elsewhere(), dict(ada.cookies), ada.identity
        await ada.done("change-password", {"password": KEY["password"], "newPassword": self.NEW})
        assert (await ada.read())["user"]["account"] is True
        assert (await other.read())["user"]["account"] is False
        thief = Browser(self)
        thief.cookies = old_cookies
        assert (await thief.read())["user"]["account"] is False
        stranger = await self.guest()
        assert (await stranger.refused("log-in", KEY))["error"] == "Name or password is wrong."
        await stranger.done("log-in", {**KEY, "password": self.NEW})
        answer = await self.told(DOWNLOAD, {"project": "simple", "key": "sesame", **old})
        assert answer == "Error: wrong user authentication; reload the page."
        assert await self.download(**ada.identity)

    async def test_without_the_old_password_nothing_changes(self) -> None:
        ada = await self.ada()
        for password in ("", "wrong horse"):
            refused = await ada.refused("change-password", {"password": password, "newPassword": self.NEW})
            assert refused["field"] == "password"
        await self.elsewhere()

    async def test_a_poor_new_one_is_told_beside_its_field(self) -> None:
        ada = await self.ada()
        refused = await ada.refused("change-password", {"password": KEY["password"], "newPassword": "short"})
        assert refused["field"] == "newPassword"
        await self.elsewhere()

    async def test_guests_have_none(self) -> None:
        browser = await self.guest()
        refused = await browser.refused("change-password", {"password": "x", "newPassword": self.NEW})
        assert refused["error"] == "You are not logged in any more; log in and try again."


class Deleting(AccountCase):
    async def test_everything_is_gone_and_the_name_is_free(self) -> None:
        ada = await self.ada()
        assert await ada.upload() == "OK"
        other, identity, folder = await self.elsewhere(), ada.identity, self.own(ada)
        assert folder.exists()
        await ada.done("delete", {"password": KEY["password"]})
        assert not folder.exists()
        for query in ("SELECT * FROM files", "SELECT * FROM sessions", "SELECT * FROM visitors"):
            assert self.rows(query) == [], query
        assert self.rows("SELECT key, name, password FROM accounts") == [(None, None, None)]
        assert (await other.read())["user"]["account"] is False
        answer = await self.told(DOWNLOAD, {"project": "simple", "key": "sesame", **identity})
        assert answer == "Error: wrong user authentication; reload the page."
        await self.ada()

    async def test_the_cookie_of_the_guest_from_before_does_not_come_back_to_life(self) -> None:
        ada = await self.guest()
        cookies = dict(ada.cookies)
        await ada.done("sign-up", ADA)
        deleted = ada.user["id"]
        await ada.done("delete", {"password": KEY["password"]})
        browser = Browser(self)
        browser.cookies = cookies
        assert (await browser.read())["user"]["id"] != deleted

    async def test_without_the_password_nothing_is_deleted(self) -> None:
        ada = await self.ada()
        assert await ada.upload() == "OK"
        assert (await ada.refused("delete", {"password": "wrong horse"}))["field"] == "password"
        assert (await ada.refused("delete", {}))["error"].startswith("The page sent a request")
        assert (await self.elsewhere()).user["id"] == ada.user["id"]
        assert (self.own(ada) / "projects/simple/controllers/drive/drive.py").read_text() == "mine"


class HostilePages(AccountCase):
    async def test_a_request_without_the_visitors_token_changes_nothing(self) -> None:
        ada, other = await self.ada(), await self.guest()
        assert await ada.upload() == "OK"
        for token in ("x", "\u00e9", other.user["formToken"], ada.user["authentication"], "x" * 9000):
            for what, fields in (
                ("restore", {"project": "simple"}),
                ("log-out", {}),
                ("delete", {"password": KEY["password"]}),
                ("change-password", {"password": KEY["password"], "newPassword": "battery staple"}),
                ("sign-up", ADA),
                ("log-in", KEY),
            ):
                code, told = await ada.ask(what, fields, token=token)
                assert (code, told["error"].partition(",")[0]) == (403, "This page is too old"), what
        assert (await ada.read("/account/saved.json"))["used"] == 4

    async def test_a_token_of_the_guest_from_before_is_not_that_of_the_session(self) -> None:
        ada = await self.guest()
        old = ada.user["formToken"]
        await ada.done("sign-up", ADA)
        code, _ = await ada.ask("log-out", {}, token=old)
        assert code == 403

    async def test_a_page_of_another_site_changes_nothing_even_with_the_token(self) -> None:
        ada = await self.ada()
        for headers in ({"origin": "https://evil.example"}, {"origin": "null"}, {"referer": "https://evil.example/"}):
            await ada.refused("log-out", {}, headers=headers)
        site = f"http://127.0.0.1:{self.port}"
        code, _ = await ada.ask("log-out", {}, headers={"origin": site})
        assert code == 200

    async def test_a_form_that_any_site_could_send_is_not_taken(self) -> None:
        ada = await self.ada()
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
            await ada.refused("log-out", {}, headers={"content-type": kind})
        assert (await ada.read())["user"]["account"] is True

    async def test_what_is_no_object_of_texts_is_refused_in_words(self) -> None:
        browser = await self.guest()
        for body in (
            b"",
            b"[]",
            b"null",
            b"{",
            b"\xff",
            b'{"name": 1, "password": "x"}',
            b'{"name": ["x"], "password": "x"}',
            b'{"name": "Ada", "name": "Bob", "password": "x"}',
            b'{"name": "Ada", "password": "\\ud800"}',
            b'{"name": "\\ud800\\u0000", "password": "x"}',
            b"[" * MAX_JSON_BYTES,
            b'{"name": "Ada", "password": "' + b"x" * MAX_JSON_BYTES + b'"}',
            b'{"name": "Ada", "password": "' + b"x" * 3_000_000 + b'"}',
            b'{"password": "x"}',
        ):
            code, told = await browser.ask("log-in", body)
            assert code in (400, 403), body[:40]
            assert set(told) == {"error", "field"}
        _, told = await browser.ask("log-in", KEY)
        assert told["error"] == "Name or password is wrong."

    async def test_requests_of_other_methods_and_paths_do_nothing(self) -> None:
        ada = await self.ada()
        for what in ("log-out", "delete", "restore", "sign-up", "log-in", "change-password"):
            response, _ = await self.get(f"/account/{what}", cookies=ada.cookies)
            assert response.code == 400
        for path in ("/account", "/account/", "/account/admin", "/account/log-out.php"):
            response, _ = await self.get(path)
            assert response.code == 404
        assert (await ada.read())["user"]["account"] is True

    async def test_who_has_no_cookie_is_told_to_reload(self) -> None:
        browser = Browser(self)
        refused = await browser.refused("log-in", KEY)
        assert "reload the page" in refused["error"]

    async def test_nothing_secret_is_in_the_log(self) -> None:
        ada = await self.ada()
        await ada.refused("log-in", {**KEY, "password": "wrong horse"})
        await ada.done("change-password", {"password": KEY["password"], "newPassword": "battery staple"})
        await ada.done("delete", {"password": "battery staple"})
        log = "\n".join(self.log)
        assert "has an account now" in log
        secrets = ("correct horse", "wrong horse", "battery staple", ada.user["formToken"], ada.user["authentication"])
        cookies = [line.partition(";")[0].partition("=")[2] for line in ada.cookie_lines]
        for secret in (*secrets, *filter(None, cookies)):
            assert secret not in log
