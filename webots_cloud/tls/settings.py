"""What an operator says of automatic certificates."""

from __future__ import annotations

from pathlib import Path

import attrs

from webots_cloud.secret import Secret


@attrs.frozen
class AcmeSettings:
    """The section C{[acme]}; option names are spelled as in the file.

    @ivar directory: the URL of the authority's directory.
    @ivar email: where the authority may write to; may be empty.
    @ivar agreeToTerms: whether the operator agrees to the authority's terms.
    @ivar accountKey: the file of the account's key; made if it lacks.
    @ivar store: the folder of the certificates.
    @ivar caFile: the certificates that the authority's own server is trusted by; C{None}: those of the system.
    @ivar renewBefore: days.
    @ivar challenge: C{http-01} or C{tls-alpn-01}.
    @ivar eabKeyId: the name of a key of an account from before; empty: none.
    @ivar eabKey: that key.
    """

    directory: str
    accountKey: Path
    store: Path
    email: str = ""
    agreeToTerms: bool = False
    names: tuple[str, ...] = ()
    enabled: bool = True
    caFile: Path | None = None
    renewBefore: int = 30
    challenge: str = "http-01"
    challengeListen: tuple[str, ...] = ("tcp:80",)
    eabKeyId: str = ""
    eabKey: Secret = Secret("")
