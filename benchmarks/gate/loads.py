"""What is sent through the proxies, as both ends know it: frames of one length, each with the time when it was sent."""

from __future__ import annotations

import resource
import struct
import time

import attrs

TIMESTAMP = struct.Struct("!Q")
"""Nanoseconds of the monotonic clock, which all processes of a machine share; what a payload begins with."""
_BINARY = 0x82


@attrs.frozen
class Load:
    """Connections of one kind.

    @ivar path: what a client asks the source for.
    @ivar connections: how many there are.
    @ivar payload: bytes of each frame's payload.
    @ivar rate: frames a second on each connection; 0 for as many as are taken.
    """

    path: str
    connections: int
    payload: int
    rate: int

    @property
    def header(self) -> bytes:
        """What a frame begins with; payloads have 126 to 65535 bytes."""
        return struct.pack("!BBH", _BINARY, 126, self.payload)

    def frame(self) -> bytearray:
        """Make a frame without a time."""
        return bytearray(self.header + bytes(self.payload))


FLAT_OUT = Load("flat", 50, 8192, 0)
PACED = Load("paced", 400, 500, 30)
IDLE = Load("idle", 1000, 500, 0)
FEW = Load("few", 10, 500, 0)
LOADS = {load.path: load for load in (FLAT_OUT, PACED, IDLE, FEW)}
SILENT = (IDLE, FEW)


def stamp(buffer: bytearray, load: Load, at: int = 0) -> None:
    """Write the time into the frame that begins somewhere in a buffer."""
    TIMESTAMP.pack_into(buffer, at + len(load.header), time.monotonic_ns())


def allow_many_connections() -> None:
    """Let this process and those it starts open as many files as the machine allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
