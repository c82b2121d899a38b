"""What a Webots was heard to do, for tests of its output and of its process."""

from __future__ import annotations


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
