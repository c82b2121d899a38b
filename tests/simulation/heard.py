"""What a Webots was heard to do, for tests of its output and of its process."""

from __future__ import annotations

from twisted.internet.defer import Deferred


class Heard:
    """Writes events down, in words."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def opened(self) -> None:
        self.events.append("opened")

    def sign_of_life(self) -> None:
        self.events.append("sign of life")

    def paused(self) -> None:
        self.events.append("paused")

    def resumed(self) -> None:
        self.events.append("resumed")

    def exited(self, how: str) -> None:
        self.events.append(f"exited {how}")


class Events(Heard):
    """Waits for them.

    @ivar open: fires when it has loaded its world.
    @ivar gone: fires when it has ended, with how it did.
    """

    def __init__(self) -> None:
        Heard.__init__(self)
        self.open: Deferred[None] = Deferred()
        self.gone: Deferred[str] = Deferred()

    def opened(self) -> None:
        Heard.opened(self)
        self.open.callback(None)

    def exited(self, how: str) -> None:
        Heard.exited(self, how)
        self.gone.callback(how)
