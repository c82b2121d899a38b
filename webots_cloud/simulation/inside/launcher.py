"""Starts Webots and stays beside it: dials its port for the gate, gives it a display, measures it, and ends it.

It talks with the server over a socket that it inherits; each line is an order or a report. The other end is
webots_cloud.simulation.channel, which says what they are.
"""

from __future__ import annotations

import contextlib
import math
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Sequence

from webots_cloud.simulation.inside.display import (
    Interrupted,
    NoDisplay,
    read_display_number,
    write_authority,
    xvfb_command,
)
from webots_cloud.simulation.inside.meter import Meter
from webots_cloud.simulation.inside.output import Output
from webots_cloud.simulation.inside.processes import (
    become_keeper,
    end_descendants,
    how_it_ended,
    signal_group,
    start,
)
from webots_cloud.simulation.inside.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_LONGEST_SLEEP = 1.0
_KILL_AGAIN_SECONDS = 1.0
_LOST_PACKETS = 2
"""How often a connection is tried again to which Webots does not answer: it is given up after some seconds."""


def main(arguments: list[str]) -> NoReturn:
    """Run until Webots has ended, or the server wants it or is gone.

    @param arguments: settings, C{--}, and the command that starts Webots.
    """
    divider = arguments.index("--")
    become_keeper()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    for standard in (1, 2):
        os.set_blocking(standard, False)
    Launcher(Settings(arguments[:divider])).run(arguments[divider + 1 :])


class Launcher:
    """Starts Webots, and waits for whatever happens."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._channel = socket.socket(fileno=settings.channel)
        self._channel.setblocking(False)
        self._channel.set_inheritable(False)
        self._orders = b""
        # Not epoll: how much of it the processes of a user may use together is limited, and others may have used it up.
        self._poll = select.poll()
        self._ready: dict[int, Callable[[], None]] = {}
        self._outputs: list[Output] = []
        self._meter = Meter(settings)
        self._webots = 0
        self._display = 0
        self._kill_at: float | None = None

    def run(self, command: list[str]) -> NoReturn:
        """Start everything, and go on until the end."""
        environment = dict(os.environ)
        if self._settings.display:
            environment |= self._start_display()
        # It may be all over already.
        self._read_channel()
        self._webots = self._start(command, environment)
        self._watch(self._channel.fileno(), self._read_channel)
        while True:
            self._wait()
            now = time.monotonic()
            if self._kill_at is not None and now >= self._kill_at:
                self._kill_at = now + _KILL_AGAIN_SECONDS
                signal_group(self._webots, signal.SIGKILL)
            if now >= self._meter.due:
                self._tell(*self._meter.measure())
                self._reap()

    def _start(self, command: list[str], environment: dict[str, str], keep: int | None = None) -> int:
        """Start a program whose output is passed on; give its process id.

        @param keep: a descriptor that it is to have.
        """
        ends = []
        for standard in (1, 2):
            ours, theirs = socket.socketpair()
            ends.append(theirs)
            output = Output(ours, standard)
            self._outputs.append(output)
            self._watch(output.fileno(), lambda output=output: self._read(output))  # type: ignore[misc]  # a lambda's
        if keep is not None:
            os.set_inheritable(keep, True)
        pid = start(command, environment, [end.fileno() for end in ends], self._settings.limits)
        for end in ends:
            end.close()
        self._watch(os.pidfd_open(pid), self._reap)
        return pid

    def _start_display(self) -> dict[str, str]:
        """Start an X server; give the variables by which it is found."""
        authority = os.path.join(self._settings.home, ".xauthority")
        write_authority(authority)
        reading, writing = os.pipe()
        self._display = self._start(xvfb_command(authority, writing), dict(os.environ), keep=writing)
        os.close(writing)
        try:
            number = read_display_number(reading, self._channel.fileno())
        except NoDisplay:
            self._finish("failed", "the X server Xvfb does not start")
        except Interrupted:
            self._finish("ended", "before it began")
        os.close(reading)
        return {"DISPLAY": f":{number}", "XAUTHORITY": authority}

    def _watch(self, descriptor: int, ready: Callable[[], None], event: int = select.POLLIN) -> None:
        self._ready[descriptor] = ready
        self._poll.register(descriptor, event)

    def _forget(self, descriptor: int) -> None:
        del self._ready[descriptor]
        self._poll.unregister(descriptor)

    def _wait(self) -> None:
        until = self._meter.due if self._kill_at is None else min(self._meter.due, self._kill_at)
        seconds = min(_LONGEST_SLEEP, max(0.0, until - time.monotonic()))
        for descriptor, _ in self._poll.poll(math.ceil(1000 * seconds)):
            if descriptor in self._ready:
                self._ready[descriptor]()

    def _read(self, output: Output) -> None:
        output.read()
        if output.ended:
            self._outputs.remove(output)
            self._forget(output.fileno())
            output.close()

    def _read_channel(self) -> None:
        try:
            data = self._channel.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            # The server is gone.
            end_descendants()
            os._exit(0)
        *orders, self._orders = (self._orders + data).split(b"\n")
        for order in orders:
            if order == b"dial":
                self._dial()
            elif order == b"end":
                self._end()

    def _end(self) -> None:
        """Ask Webots to end."""
        if not self._webots:
            self._finish("ended", "before it began")
        if self._kill_at is None:
            self._kill_at = time.monotonic() + self._settings.patience
            signal_group(self._webots, signal.SIGTERM)

    def _dial(self) -> None:
        """Connect to Webots' port, and give the connection to the server."""
        try:
            connection = self._begin_to_connect()
        except OSError as error:
            self._tell("refused", error.strerror or "there is no socket")
            return

        def answered() -> None:
            self._forget(connection.fileno())
            error = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                self._tell("refused", os.strerror(error))
            else:
                self._send(connection)
            connection.close()

        self._watch(connection.fileno(), answered, select.POLLOUT)

    def _begin_to_connect(self) -> socket.socket:
        """Give a socket that is on its way to Webots' port.

        @raise OSError: if that cannot be, as programs have used up what it takes.
        """
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, _LOST_PACKETS)
            with contextlib.suppress(BlockingIOError):
                connection.connect(("127.0.0.1", self._settings.port))
        except OSError:
            connection.close()
            raise
        return connection

    def _send(self, connection: socket.socket) -> None:
        """Give the server a connection."""
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._put(b"connected\n", [connection.fileno()])
        except OSError as problem:
            self._tell("refused", problem.strerror or "it cannot be sent")

    def _tell(self, *words: str) -> None:
        """Send the server a line; where it does not read any more, the end of the channel will tell."""
        if words:
            with contextlib.suppress(OSError):
                self._put(" ".join(words).encode() + b"\n")

    def _put(self, line: bytes, descriptors: Sequence[int] = ()) -> None:
        """Send the server a line as soon as there is room: by their number it knows which of its orders they answer.

        @raise OSError: if the server is gone, or the descriptors cannot be sent.
        """
        while line:
            try:
                line = line[socket.send_fds(self._channel, [line], descriptors) :]
                descriptors = ()
            except BlockingIOError:
                room = select.poll()
                room.register(self._channel.fileno(), select.POLLOUT)
                room.poll()

    def _reap(self) -> None:
        """Take notice of children that have ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            if pid == self._webots:
                self._finish("ended", how_it_ended(status))
            elif pid == self._display:
                self._finish("failed", "the X server Xvfb has ended")

    def _finish(self, *words: str) -> NoReturn:
        """End everything, and tell the server why."""
        for output in self._outputs:
            output.read_last_words()
        end_descendants()
        self._tell(*words)
        os._exit(0)
