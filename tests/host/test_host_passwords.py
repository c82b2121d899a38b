"""Which passwords may be chosen, what is kept of them, and how many are worked on at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from twisted.internet.defer import Deferred, maybeDeferred

from webots_cloud.host.passwords import AT_ONCE, MAX_CHARACTERS, MAX_WAITING, Passwords, check_password
from webots_cloud.host.refusals import BadPassword, TooBusy
from webots_cloud.host.streaming import InThread
from webots_cloud.secret import Secret

GOOD = Secret("correct horse")


def outcome(coroutine: Any) -> Any:
    """Give what comes of it at once: a result, an exception, or nothing yet."""
    results: list[Any] = []
    Deferred.fromCoroutine(coroutine).addBoth(results.append)
    return getattr(results[0], "value", results[0]) if results else None


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(cast(InThread, maybeDeferred))


def test_a_password_is_right_and_no_other(passwords: Passwords) -> None:
    kept = outcome(passwords.kept(GOOD))
    assert outcome(passwords.is_right(GOOD, kept)) is True
    for wrong in ("", "correct hors", "correct horse ", "Correct horse", "x" * 10**5):
        assert outcome(passwords.is_right(Secret(wrong), kept)) is False


def test_what_is_kept_does_not_tell_it_and_is_different_each_time(passwords: Passwords) -> None:
    first, second = (outcome(passwords.kept(GOOD)) for _ in range(2))
    assert "horse" not in first.reveal()
    assert first.reveal().startswith("scrypt$32768$8$1$")
    assert not first.matches(second)


def test_without_an_account_nothing_is_right_and_as_much_is_done() -> None:
    worked: list[Callable[..., Any]] = []

    def in_thread(function: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
        worked.append(function)
        return maybeDeferred(function, *arguments)

    passwords = Passwords(cast(InThread, in_thread))
    kept = outcome(passwords.kept(GOOD))
    assert outcome(passwords.is_right(GOOD, kept)) is True
    assert outcome(passwords.is_right(GOOD, None)) is False
    assert len(worked) == 3
    costs = [(work.__self__.cost, work.__self__.block, work.__self__.lanes) for work in cast(Any, worked)]
    assert len(set(costs)) == 1


@pytest.mark.parametrize(("typed", "other"), [("Zoe\u0308 zwo drei", "Zoë zwo drei"), ("eins\u00a0zwei", "eins zwei")])
def test_keyboards_may_spell_it_differently(passwords: Passwords, typed: str, other: str) -> None:
    assert outcome(passwords.is_right(Secret(other), outcome(passwords.kept(Secret(typed))))) is True


def test_what_was_kept_at_another_cost_is_still_good(passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webots_cloud.host.passwords._COST", 2**10)
    kept = outcome(passwords.kept(GOOD))
    monkeypatch.undo()
    assert kept.reveal().startswith("scrypt$1024$")
    assert outcome(passwords.is_right(GOOD, kept)) is True


@pytest.mark.parametrize(
    "password", ["", "short", "x" * (MAX_CHARACTERS + 1), "aaaaaaaaaaaa", "abababababab", "Ada Lovelace"]
)
def test_poor_passwords_cannot_be_chosen(password: str) -> None:
    with pytest.raises(BadPassword) as refused:
        check_password(Secret(password), "ada lovelace")
    assert not password or password not in str(refused.value)


def test_good_passwords_can_be_chosen() -> None:
    for password in ("correct horse", "пароль роботов", "x1-" * 50):
        check_password(Secret(password), "Ada")


def test_few_are_worked_on_at_once_and_some_wait_but_not_without_end() -> None:
    begun: list[Deferred[bytes]] = []

    def in_thread(function: Callable[..., Any], *arguments: Any) -> Deferred[bytes]:
        begun.append(Deferred())
        return begun[-1]

    passwords = Passwords(cast(InThread, in_thread))
    outcomes = [outcome(passwords.kept(GOOD)) for _ in range(AT_ONCE + MAX_WAITING)]
    assert outcomes == [None] * (AT_ONCE + MAX_WAITING)
    assert len(begun) == AT_ONCE
    assert isinstance(outcome(passwords.kept(GOOD)), TooBusy)
    begun[0].callback(b"done")
    assert len(begun) == AT_ONCE + 1
    assert outcome(passwords.kept(GOOD)) is None
