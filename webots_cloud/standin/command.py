"""The command line, of both generations of Webots (docs/protocol.md, section 3)."""

import attrs

MODES = ("pause", "realtime", "run", "fast")
_FLAGS = frozenset({"--batch", "--minimize", "--no-rendering", "--stdout", "--stderr", "--fullscreen"})
_STREAM_MODES = ("x3d", "w3d", "mjpeg")
_DEFAULT_PORT = 1234


class CommandError(ValueError):
    """A command line that makes no sense; the text is one sentence for the user."""


@attrs.frozen
class Command:
    """What was asked for.

    @ivar world: path of the world file.
    @ivar port: TCP port to serve on.
    @ivar mode: mode to begin in, one of ``MODES``.
    @ivar says_open: generation A: say ``open`` when loaded; else the first ``.`` says so.
    @ivar announces: whether modes and signs of life go to standard output at all.
    @ivar heartbeat: seconds between two signs of life, 0 for none.
    @ivar may_edit: whether clients may write controllers.
    """

    world: str
    port: int = _DEFAULT_PORT
    mode: str = "pause"
    says_open: bool = False
    announces: bool = True
    heartbeat: float = 0.0
    may_edit: bool = True


def parse(arguments: list[str]) -> Command:
    """Read a command line.

    @param arguments: all but the program's own name.
    @raise CommandError: where an option is unknown or its value impossible, or there is not exactly one world.
    """
    worlds = [argument for argument in arguments if not argument.startswith("-")]
    if len(worlds) != 1:
        raise CommandError(f"Expected one world file on the command line, found {len(worlds)}.")
    command = Command(worlds[0])
    stream: str | None = None
    for option in (argument for argument in arguments if argument.startswith("-")):
        name, _, value = option.partition("=")
        match name:
            case "--mode":
                command = attrs.evolve(command, mode=_mode(value))
            case "--port":
                command = attrs.evolve(command, port=_port(value))
            case "--heartbeat":
                command = attrs.evolve(command, heartbeat=_number(value, "--heartbeat") / 1000)
            case "--stream":
                stream = value.strip("\"'")
            case _ if option not in _FLAGS:
                raise CommandError(f"Unknown option {option[:80]!r}.")
    if stream is None:
        raise CommandError("Option --stream is missing: the stand-in has no window of its own and only streams.")
    if stream == "" or stream.partition(":")[0] in _STREAM_MODES:
        return command
    return _generation_a(command, stream)


def _generation_a(command: Command, stream: str) -> Command:
    """Take the ``;``-separated options of ``--stream``; unknown ones are ignored, as Webots ignores them."""
    options = dict(part.strip().partition("=")[::2] for part in stream.split(";"))
    if "ssl" in options:
        raise CommandError("The stand-in cannot encrypt: leave out the stream option 'ssl'.")
    announces = "monitorActivity" in options
    return attrs.evolve(
        command,
        port=_port(options["port"]) if "port" in options else command.port,
        says_open=True,
        announces=announces,
        heartbeat=5.0,
        may_edit="controllerEdit" in options,
    )


def _mode(value: str) -> str:
    # Webots has known both spellings of real time.
    mode = value.replace("real-time", "realtime")
    if mode not in MODES:
        raise CommandError(f"Option --mode is {value[:40]!r}; it can be {', '.join(MODES)}.")
    return mode


def _port(value: str) -> int:
    port = _number(value, "port")
    if not 0 < port < 65536:
        raise CommandError(f"Port {port} is out of range: 1 to 65535.")
    return port


def _number(value: str, name: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise CommandError(f"Option {name} is {value[:40]!r}; it must be a whole number.")
    return int(value)
