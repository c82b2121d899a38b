"""Passwords: which may be chosen, what is kept of them (scrypt, RFC 7914), and whether one is right."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from base64 import b64decode, b64encode

import attrs
from twisted.internet.defer import DeferredSemaphore

from webots_cloud.host.refusals import BadPassword, TooBusy
from webots_cloud.host.streaming import InThread
from webots_cloud.secret import Secret

MIN_CHARACTERS = 8
MAX_CHARACTERS = 200

AT_ONCE = 2
"""How many are worked on at once; each takes 32 MB and a processor for about a tenth of a second."""

MAX_WAITING = 50
"""How many may wait for that, which is a few seconds."""

_COST, _BLOCK, _LANES = 2**15, 8, 1
_SALT_BYTES, _KEY_BYTES = 16, 32


def check_password(password: Secret, name: str) -> None:
    """Look at a password that somebody wants to have.

    @param name: of the account that it is for.
    @raise BadPassword: if it is too short, too long, or what others would try first.
    """
    text = _normal(password)
    if len(text) < MIN_CHARACTERS:
        raise BadPassword(what=f"has fewer than {MIN_CHARACTERS} characters")
    if len(text) > MAX_CHARACTERS:
        raise BadPassword(what=f"has more than {MAX_CHARACTERS} characters")
    if text.casefold() == name.casefold():
        raise BadPassword(what="is the name")
    if len(set(text)) < 3:
        raise BadPassword(what="is too simple")


class Passwords:
    """Works on passwords in threads, a few at once, so that many visitors cannot use up memory and processors."""

    def __init__(self, in_thread: InThread) -> None:
        """Prepare for work.

        @param in_thread: where it is done.
        """
        self._in_thread = in_thread
        self._room = DeferredSemaphore(AT_ONCE)
        # Whoever gives a name that is not there waits as long as one who gives a wrong password.
        self._of_nobody = str(attrs.evolve(_new(), key=secrets.token_bytes(_KEY_BYTES)))

    async def kept(self, password: Secret) -> Secret:
        """Give what is to be kept of a password: nobody can tell the password from it.

        @raise TooBusy: if too many wait already.
        """
        new = _new()
        return Secret(str(attrs.evolve(new, key=await self._derive(password, new))))

    async def is_right(self, password: Secret, kept: Secret | None) -> bool:
        """Tell whether it is the password of which C{kept} was kept.

        @param kept: C{None}: there is no such account; it is wrong, and it takes as long to find that out.
        @raise TooBusy: if too many wait already.
        """
        told = _read(kept.reveal() if kept else self._of_nobody)
        return hmac.compare_digest(await self._derive(password, told), told.key) and kept is not None

    async def _derive(self, password: Secret, told: _Kept) -> bytes:
        if len(self._room.waiting) >= MAX_WAITING:
            raise TooBusy
        key: bytes = await self._room.run(self._in_thread, told.derive, _normal(password).encode())
        return key


@attrs.frozen
class _Kept:
    """What a password is worked on with, and what comes of it.

    @ivar key: what came of it; empty: that is not known yet.
    """

    cost: int
    block: int
    lanes: int
    salt: bytes = attrs.field(repr=False)
    key: bytes = attrs.field(default=b"", repr=False)

    def derive(self, password: bytes) -> bytes:
        """Work on a password; this takes a while."""
        memory = 129 * self.cost * self.block
        return hashlib.scrypt(
            password, salt=self.salt, n=self.cost, r=self.block, p=self.lanes, maxmem=memory, dklen=_KEY_BYTES
        )

    def __str__(self) -> str:
        encoded = (b64encode(part).decode() for part in (self.salt, self.key))
        return "$".join(("scrypt", str(self.cost), str(self.block), str(self.lanes), *encoded))


def _read(text: str) -> _Kept:
    _, cost, block, lanes, salt, key = text.split("$")
    return _Kept(int(cost), int(block), int(lanes), b64decode(salt), b64decode(key))


def _new() -> _Kept:
    return _Kept(_COST, _BLOCK, _LANES, secrets.token_bytes(_SALT_BYTES))


def _normal(password: Secret) -> str:
    """Give a password as it is whatever keyboard it comes from (RFC 8265 section 4.2)."""
    text = "".join(" " if unicodedata.category(letter) == "Zs" else letter for letter in password.reveal())
    return unicodedata.normalize("NFC", text)
