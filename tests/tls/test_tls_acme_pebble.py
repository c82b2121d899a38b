"""Certificates from a real authority, Pebble in its strict mode: what it makes, refuses, delays and rejects."""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from twisted.internet.defer import CancelledError
from twisted.logger import capturedLogs

from tests.tls.applying import Applying, names_of, reactor, until
from webots_cloud.agent import TrustedAuthorities, plain_agent
from webots_cloud.secret import Secret
from webots_cloud.tls.account import Binding, ensure_account_key
from webots_cloud.tls.authority import Applicant, Authority
from webots_cloud.tls.problem import AcmeError


class TestIssuing(Applying):
    environment: ClassVar[Mapping[str, str]] = {"PEBBLE_WFE_NONCEREJECT": "5"}

    async def test_a_certificate_is_made_for_a_key_of_its_own_and_comes_with_its_chain(self) -> None:
        issuing = self.issuer()

        await issuing.issue("a.example.org")

        leaf, intermediate = issuing.chain("a.example.org")
        assert names_of(leaf) == ["a.example.org"]
        leaf.verify_directly_issued_by(intermediate)
        intermediate.verify_directly_issued_by(self.pebble.root())
        key = load_pem_private_key(issuing.store.read("a.example.org")[1], None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        assert isinstance(key.curve, ec.SECP256R1)
        assert key.public_key() == leaf.public_key()
        assert key.public_key() != ensure_account_key(issuing.config.accountKey).jwk.key.public_key()

    async def test_all_files_are_for_this_user_only(self) -> None:
        issuing = self.issuer()

        await issuing.issue("a.example.org")

        files = [path for path in self.folder.rglob("*") if path.is_file()]
        assert sorted(path.name for path in files) == ["a.example.org.pem", "account.key"]
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
        folders = {path.parent for path in files}
        assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}

    async def test_each_name_has_a_certificate_and_all_have_one_account(self) -> None:
        issuing = self.issuer()
        with capturedLogs() as events:
            for name in ("a.example.org", "b.example.org", "c.example.org"):
                await issuing.issue(name)

        for name in ("a.example.org", "b.example.org", "c.example.org"):
            assert names_of(issuing.chain(name)[0]) == [name]
        assert len([event for event in events if "the account" in str(event["log_format"])]) == 1

    async def test_an_account_is_found_again_by_its_key(self) -> None:
        first = self.issuer()
        with capturedLogs() as events:
            await first.issue("a.example.org")
            await self.silent_issuer().issuer.close()
            first.issuer.forget()
            await first.issue("a.example.org")

        accounts = [(event["found"], event["url"]) for event in events if "the account" in str(event["log_format"])]
        assert [found for found, _ in accounts] == ["new", "has been there before"]
        assert accounts[0][1] == accounts[1][1]

    async def test_a_challenge_that_nobody_answers_is_told_with_name_step_and_the_authoritys_words(self) -> None:
        issuing = self.silent_issuer()

        with pytest.raises(AcmeError) as refused:
            await issuing.issue("a.example.org")

        assert refused.value.name == "a.example.org"
        assert refused.value.kind == "connection"
        assert not refused.value.everywhere
        said = str(refused.value)
        assert said.startswith("a.example.org: proving that the name leads here (http-01): the authority says: ")
        assert f":{self.pebble.http_port}/.well-known/acme-challenge/" in said
        assert "connection refused" in said

    async def test_a_name_that_the_authority_does_not_like_is_told_in_its_words(self) -> None:
        with pytest.raises(AcmeError, match=r"^bad_name\.example\.org: ordering the certificate: the authority says: "):
            await self.issuer().issue("bad_name.example.org")

    async def test_a_name_that_is_too_long_is_told(self) -> None:
        name = "a" * 60 + ".example.org"

        with pytest.raises(AcmeError, match="a name of more than 64 characters cannot be asked for"):
            await self.issuer().issue(name)

    async def test_terms_that_the_operator_does_not_agree_to_are_named(self) -> None:
        issuing = self.issuer(agreeToTerms=False)

        with pytest.raises(
            AcmeError, match=r"data:text/plain,Do%20what%20thou%20wilt, and set agreeToTerms"
        ) as refused:
            await issuing.issue("a.example.org")

        assert refused.value.everywhere

    async def test_an_account_that_the_authority_has_closed_is_told(self) -> None:
        issuing = self.issuer()
        await issuing.issue("a.example.org")
        await self.close_account(issuing.config.accountKey)

        with pytest.raises(AcmeError, match=r"^b\.example\.org: .*the authority says: ") as same:
            await issuing.issue("b.example.org")
        with pytest.raises(AcmeError, match=r"^b\.example\.org: opening the account: the authority says: ") as anew:
            await issuing.issue("b.example.org")

        assert "deactivated" in str(same.value)
        assert "deactivated" in str(anew.value)
        assert anew.value.everywhere

    async def close_account(self, key: Path) -> None:
        agent = plain_agent(reactor, 10, None, TrustedAuthorities(self.pebble.ca_file))
        applicant = Applicant(ensure_account_key(key), "", agrees=True)
        authority = Authority(reactor, agent, self.pebble.directory, applicant)
        account = await authority.account()
        await authority.post(account, {"status": "deactivated"}, "closing the account")

    async def test_an_authority_whose_certificate_is_not_trusted_is_not_told_anything(self) -> None:
        requests = self.pebble.said("POST")

        with pytest.raises(
            AcmeError, match=r"localhost:[0-9]+ has a certificate that is not trusted \(.+\); see caFile"
        ):
            await self.issuer(caFile=None).issue("a.example.org")

        assert self.pebble.said("POST") == requests

    async def test_a_certificate_of_nobody_in_ca_file_is_told(self) -> None:
        self.folder.mkdir()
        (self.folder / "ca.pem").write_text("nothing")

        with pytest.raises(AcmeError, match=r"caFile .*/ca\.pem has no certificates in PEM"):
            await self.issuer(caFile=self.folder / "ca.pem").issue("a.example.org")


class TestBadNonces(Applying):
    environment: ClassVar[Mapping[str, str]] = {"PEBBLE_WFE_NONCEREJECT": "25", "PEBBLE_AUTHZREUSE": "0"}

    async def test_nonces_that_the_authority_does_not_take_are_replaced(self) -> None:
        issuing = self.issuer()
        for number in range(5):
            await issuing.issue(f"{number}.example.org")

        assert len(list(self.folder.rglob("*.example.org.pem"))) == 5
        assert self.pebble.said("Configured to reject 25% of good nonces") == 1


class TestReuse(Applying):
    environment: ClassVar[Mapping[str, str]] = {"PEBBLE_AUTHZREUSE": "100"}

    async def test_what_the_authority_has_seen_before_is_not_shown_again(self) -> None:
        issuing = self.issuer()
        await issuing.issue("a.example.org")
        first, shown = issuing.chain("a.example.org")[0], self.pebble.said("Attempting to validate")

        await issuing.issue("a.example.org")

        assert shown > 0
        assert self.pebble.said("Attempting to validate") == shown
        assert issuing.chain("a.example.org")[0] != first


class TestSlowAuthority(Applying):
    environment: ClassVar[Mapping[str, str]] = {"PEBBLE_VA_NOSLEEP": "0", "PEBBLE_VA_SLEEPTIME": "3"}

    async def test_an_authority_that_takes_its_time_is_waited_for(self) -> None:
        issuing = self.issuer()

        await issuing.issue("a.example.org")

        assert names_of(issuing.chain("a.example.org")[0]) == ["a.example.org"]
        assert self.pebble.said("Sleeping for") > 0

    async def test_what_is_under_way_can_be_given_up(self) -> None:
        issuing = self.issuer()
        looked = self.pebble.said("Sleeping for")
        under_way = issuing.issue("b.example.org")
        await until(lambda: self.pebble.said("Sleeping for") > looked)

        under_way.cancel()

        # What is cancelled while it connects says that it cannot.
        with pytest.raises((CancelledError, AcmeError)):
            await under_way
        with pytest.raises(KeyError):
            issuing.store.read("b.example.org")


class TestBinding(Applying):
    KEY = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
    settings: ClassVar[Mapping[str, Any]] = {
        "externalAccountBindingRequired": True,
        "externalAccountMACKeys": {"kid-1": KEY},
    }

    async def test_an_account_is_bound_to_one_from_before(self) -> None:
        issuing = self.issuer(eabKeyId="kid-1", eabKey=Secret(self.KEY))

        await issuing.issue("a.example.org")

        assert names_of(issuing.chain("a.example.org")[0]) == ["a.example.org"]

    async def test_an_authority_that_wants_a_binding_says_so(self) -> None:
        with pytest.raises(AcmeError, match=r"opening the account: the authority says: .*externalAccountRequired"):
            await self.issuer().issue("a.example.org")

    async def test_a_wrong_key_is_told_without_showing_it(self) -> None:
        wrong = Secret("A" + self.KEY[1:])

        with pytest.raises(AcmeError, match="opening the account: the authority says: ") as refused:
            await self.issuer(eabKeyId="kid-1", eabKey=wrong).issue("a.example.org")

        assert wrong.reveal() not in str(refused.value)

    async def test_a_key_that_is_no_key_is_told_without_showing_it(self) -> None:
        with pytest.raises(AcmeError, match="eabKey is not in base64url") as refused:
            await self.issuer(eabKeyId="kid-1", eabKey=Secret("no key!")).issue("a.example.org")

        assert "no key!" not in str(refused.value)


def test_a_binding_does_not_show_its_key() -> None:
    assert "hidden" not in json.dumps(repr(Binding("kid-1", Secret("hidden"))))
