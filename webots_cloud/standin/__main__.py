"""Entry point: ``webots-standin`` or ``python -m webots_cloud.standin``, with the options of Webots."""

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from webots_cloud.standin import NAME
from webots_cloud.standin.command import Command, CommandError, parse
from webots_cloud.standin.wbt import WbtError

if TYPE_CHECKING:
    from webots_cloud.standin.simulator import Simulator


def log(sentence: str) -> None:
    """Tell the operator something, on standard error."""
    print(f"webots-standin: {sentence}", file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Run until a signal ends it.

    @param arguments: the command line without the program's name; ``None`` for that of this process.
    @return: the exit code: 0 after SIGTERM or SIGINT, 1 where it could not start.
    """
    log(NAME)
    try:
        command = parse(sys.argv[1:] if arguments is None else arguments)
        return _serve(command)
    except (CommandError, WbtError) as problem:
        log(str(problem))
        return 1


def _serve(command: Command) -> int:
    # Loaded only now, so that a wrong command line is answered at once.
    from twisted.internet import reactor as default
    from twisted.internet.error import CannotListenError
    from twisted.logger import (
        FilteringLogObserver,
        LogLevel,
        LogLevelFilterPredicate,
        globalLogBeginner,
        textFileLogObserver,
    )

    from webots_cloud.standin import orphans
    from webots_cloud.standin.simulator import Simulator, read_world
    from webots_cloud.standin.web import site

    reactor = cast("Any", default)
    warnings = FilteringLogObserver(textFileLogObserver(sys.stderr), [LogLevelFilterPredicate(LogLevel.warn)])
    globalLogBeginner.beginLoggingTo([warnings], redirectStandardIO=False)

    def announce(word: str) -> None:
        if command.announces:
            _say(word, reactor.stop)

    path = Path(command.world)
    simulator = Simulator(reactor, path, read_world(path, log), announce, log, command.may_edit, orphans.end_orphans)
    try:
        reactor.listenTCP(command.port, site(simulator))
    except CannotListenError as error:
        log(f"Port {command.port} cannot be used: {error.socketError.strerror}.")
        return 1
    orphans.adopt()
    # All of a tree must be killed while it still hangs together.
    reactor.addSystemEventTrigger("before", "shutdown", orphans.end_all)
    reactor.addSystemEventTrigger("before", "shutdown", simulator.close)
    reactor.callWhenRunning(_begin, simulator, command, announce)
    reactor.run()
    return 0


def _begin(simulator: "Simulator", command: Command, announce: Callable[[str], None]) -> None:
    from twisted.internet.task import LoopingCall
    from twisted.logger import Logger

    log(f"loaded {simulator.path.name}, listening on port {command.port}")
    if command.says_open:
        announce("open")
    if command.heartbeat:
        beating = LoopingCall(announce, ".").start(command.heartbeat, now=not command.says_open)
        beating.addErrback(lambda failure: Logger().failure("no more signs of life", failure))
    if command.mode == "pause":
        announce("pause")
    else:
        simulator.run({"realtime": "real-time"}.get(command.mode, command.mode))


def _say(word: str, stop: Callable[[], None]) -> None:
    from twisted.internet.error import ReactorNotRunning

    try:
        os.write(1, word.encode() + b"\n")
    except OSError:
        # Nobody listens to this process any more: whoever started it is gone.
        with contextlib.suppress(ReactorNotRunning):
            stop()


if __name__ == "__main__":
    sys.exit(main())
