"""What lets visitors in, and how often that may be tried; the requests of account_requests.py come here."""

from __future__ import annotations

from typing import Any

from webots_cloud.attempts import Attempts
from webots_cloud.host.accounts import Account, Accounts
from webots_cloud.host.answering import still_here
from webots_cloud.host.bounds import BoundedRequest
from webots_cloud.host.names import AccountName
from webots_cloud.host.passwords import Passwords
from webots_cloud.host.recognition import Recognition
from webots_cloud.host.refusals import TooManyAttempts, WrongPassword
from webots_cloud.host.sessions import Session, Sessions
from webots_cloud.host.visitors import Visitor, household
from webots_cloud.secret import Secret

WRONG_PASSWORD_MINUTES = 15
WRONG_PASSWORDS_OF_AN_ACCOUNT = 10
WRONG_PASSWORDS_OF_AN_ADDRESS = 100
"""How many wrong passwords there may be within these minutes; a school may have one address."""

SIGN_UPS_OF_AN_ADDRESS = 100
"""How many accounts one address may ask for in an hour."""


class Doors:
    """What lets visitors in: their accounts, the proofs that these are theirs, and how often that may be tried."""

    def __init__(
        self,
        reactor: Any,
        recognition: Recognition,
        accounts: Accounts,
        sessions: Sessions,
        passwords: Passwords,
        sign_up: bool,
    ) -> None:
        """Prepare to let visitors in.

        @param reactor: provides C{IReactorTime}.
        @param sign_up: whether visitors may make accounts.
        """
        self.recognition = recognition
        self.accounts = accounts
        self.sessions = sessions
        self.passwords = passwords
        self.sign_up = sign_up
        span = WRONG_PASSWORD_MINUTES * 60
        self._wrong_of_account = Attempts(reactor.seconds, WRONG_PASSWORDS_OF_AN_ACCOUNT, span)
        self._wrong_of_address = Attempts(reactor.seconds, WRONG_PASSWORDS_OF_AN_ADDRESS, span)
        self._sign_ups = Attempts(reactor.seconds, SIGN_UPS_OF_AN_ADDRESS, 3600)

    async def prove(self, name: AccountName, account: Account | None, password: Secret, sender: str) -> Account:
        """See that a password is an account's.

        @param name: that was given.
        @param account: that has it; C{None}: none has.
        @param sender: the address that it comes from.
        @raise WrongPassword: if it is not, or there is no account.
        @raise TooManyAttempts: if there were too many wrong ones.
        """
        counts = ((self._wrong_of_account, name.key), (self._wrong_of_address, household(sender)))
        _may(*counts)
        # Counted before it is known to be wrong, so that many at once are not all let through.
        for attempts, who in counts:
            attempts.add(who)
        right = await self.passwords.is_right(password, account.password if account else None)
        if account is None or not right:
            raise WrongPassword
        for attempts, who in counts:
            attempts.take_back(who)
        return account

    def count_sign_up(self, sender: str) -> None:
        """Count an attempt to sign up.

        @raise TooManyAttempts: if there were too many.
        """
        who = household(sender)
        _may((self._sign_ups, who))
        self._sign_ups.add(who)

    async def let_in(self, request: BoundedRequest, account: Account, instead_of: Session | None) -> Visitor:
        """Begin a session of an account.

        @param instead_of: the session in which the request came.
        """
        token, session = await self.sessions.begin(account, instead_of)
        still_here(request)
        return self.recognition.remember(request, token, session)


def _may(*counts: tuple[Attempts, str]) -> None:
    seconds = max(attempts.wait_seconds(who) for attempts, who in counts)
    if seconds:
        raise TooManyAttempts(minutes=int(-(-seconds // 60)))
