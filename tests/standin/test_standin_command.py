import pytest

from webots_cloud.standin.command import Command, CommandError, parse


def test_the_command_line_of_generation_a() -> None:
    stream = "--stream=port=2001;monitorActivity;controllerEdit;multimediaServer=x:1;something"
    assert parse(["--batch", "--mode=pause", "--minimize", stream, "/a/worlds/b.wbt"]) == Command(
        "/a/worlds/b.wbt", 2001, "pause", says_open=True, announces=True, heartbeat=5.0, may_edit=True
    )


def test_quotes_around_the_stream_options_do_no_harm() -> None:
    assert parse(['--stream="port=2001;monitorActivity"', "b.wbt"]).port == 2001


def test_without_the_right_to_edit_there_is_no_editing() -> None:
    assert not parse(["--stream=port=2001;monitorActivity", "b.wbt"]).may_edit


def test_without_monitor_activity_nothing_is_said() -> None:
    assert not parse(["--stream=port=2001", "b.wbt"]).announces


@pytest.mark.parametrize("stream", ["--stream", "--stream=x3d", "--stream=w3d", "--stream=mjpeg"])
def test_the_command_line_of_generation_b(stream: str) -> None:
    line = [
        "--batch",
        "--mode=fast",
        "--minimize",
        "--no-rendering",
        "--port=2001",
        "--heartbeat=2500",
        stream,
        "b.wbt",
    ]
    assert parse(line) == Command("b.wbt", 2001, "fast", says_open=False, announces=True, heartbeat=2.5, may_edit=True)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (["--stream"], "Expected one world file on the command line, found 0."),
        (["--stream", "a.wbt", "b.wbt"], "found 2"),
        (["b.wbt"], "Option --stream is missing"),
        (["--stream", "--frob", "b.wbt"], "Unknown option '--frob'"),
        (["--stream", "--batch=1", "b.wbt"], "Unknown option '--batch=1'"),
        (["--stream", "--port=70000", "b.wbt"], "Port 70000 is out of range"),
        (["--stream", "--port=x", "b.wbt"], "must be a whole number"),
        (["--stream=port=;monitorActivity", "b.wbt"], "must be a whole number"),
        (["--stream", "--heartbeat=-1", "b.wbt"], "must be a whole number"),
        (["--stream", "--mode=slow", "b.wbt"], "Option --mode is 'slow'"),
        (["--stream=port=2001;ssl", "b.wbt"], "cannot encrypt"),
    ],
)
def test_a_bad_command_line_is_told_in_one_sentence(line: list[str], expected: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse(line)
    assert expected in str(caught.value)
