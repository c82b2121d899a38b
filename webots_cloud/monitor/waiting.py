"""Requests that wait for the same answer."""

from __future__ import annotations

from typing import Any

from twisted.web.http import OK


class Waiting:
    """Who waits for an answer that is still being made; who goes away meanwhile waits no more."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._requests: dict[Any, None] = {}

    def __bool__(self) -> bool:
        """Tell whether anybody waits."""
        return bool(self._requests)

    def add(self, request: Any) -> None:
        """Have a request wait, whose headers are set."""
        self._requests[request] = None
        request.notifyFinish().addErrback(lambda _: self._requests.pop(request, None))

    def answer(self, body: bytes, code: int = OK) -> None:
        """Give all who wait their answer.

        @param code: its status.
        """
        requests, self._requests = self._requests, {}
        for request in requests:
            request.setResponseCode(code)
            request.setHeader("content-length", str(len(body)))
            request.write(body)
            request.finish()
