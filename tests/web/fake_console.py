"""A streaming Webots whose controllers print much, in colour."""

from __future__ import annotations

from tests.web.fake_servers import STREAMS, FakeStream

COLORS = (
    "stdout:plain \x1b[31mred \x1b[1mbold\x1b[0m \x1b[38;2;255;255;0mown\x1b[0m "
    "\x1b[44;37mblue\x1b[0m \x1b]0;title\x07end\x1b[2J\n"
)
HOSTILE = "stdout:<img src=x onerror=alert(1)> \x00\x1b[<\x9b1;2H\u202etxt.exe\n"
FLOOD = 100_000


class FakeTalker(FakeStream):
    """Prints in colour at first, and a flood when it runs."""

    def open_scene(self) -> None:
        super().open_scene()
        self.say(COLORS)
        self.say(HOSTILE)

    def onMessage(self, payload: bytes, is_binary: bool) -> None:
        if payload.startswith(b"real-time:"):
            for start in range(0, FLOOD, 100):
                self.say("stdout:" + "".join(f"line {start + line}\n" for line in range(100)))
            return
        if payload == b"step":
            self.say("stdout:" + "x" * 5_000_000 + "\n")
            self.say("stderr:an error\n")
        super().onMessage(payload, is_binary)


def register() -> None:
    """Let the project stream."""
    STREAMS[b"talker"] = FakeTalker
