"""What may be told to a web client: one class for each failure, with its sentence."""

from __future__ import annotations

import unicodedata
from typing import ClassVar

MAX_QUOTED = 80
"""How many characters of what a client, a host or a project said are shown again."""


def quoted(text: object, length: int = MAX_QUOTED) -> str:
    """Make a text from outside fit to be shown: one line without control characters.

    @param length: how many characters may be shown.
    """
    visible = (
        " " if unicodedata.category(character)[0] in "CZ" else character for character in str(text)[: 4 * length]
    )
    shown = " ".join("".join(visible).split())
    return shown if len(shown) <= length else shown[: length - 1] + "…"


class ClientError(Exception):
    """A failure that a web client is told of.

    @cvar sentence: what is told; its fields in braces are given by the constructor's keyword arguments.
    @ivar detail: more, for the operator's log only; never a secret.
    """

    sentence: ClassVar[str]

    def __init__(self, detail: str = "", **fields: object) -> None:
        shown = {name: quoted(value) or "(nothing)" for name, value in fields.items()}
        super().__init__(self.sentence.format(**shown))
        self.detail = detail


class BadRequest(ClientError):
    """The request is not one of docs/protocol.md section 2."""

    sentence = "The page sent a request that this server does not understand ({what}); reload the page."


class RequestTooLong(ClientError):
    """The request is longer than the limit."""

    sentence = "The page sent a request of more than {limit} KiB; reload the page."


class SilentClient(ClientError):
    """The client has connected and then said nothing."""

    sentence = "The page did not say which simulation to start; reload the page."


class AlreadyStarted(ClientError):
    """A second instance was asked for on the same socket."""

    sentence = "This page has a simulation already; quit it before you start another."


class GitHubNotSupported(ClientError):
    """A generation B client wants a project from GitHub."""

    sentence = "This server does not start projects from GitHub; it starts projects of website hosts only."


class UnknownHost(ClientError):
    """There is no key for the website host."""

    sentence = "The website {host} is not known to this server; its administrator can add a key for it."


class ForeignOrigin(ClientError):
    """The page belongs to another site than the website host it names."""

    sentence = "This page belongs to {origin} and cannot start simulations of {host}."


class BadName(ClientError):
    """A project, world or controller name that is no plain name."""

    sentence = "{name} is not the name of a {kind}."


class NoSuchProject(ClientError):
    """Neither this machine nor the website host has the project."""

    sentence = "There is no project {project}, neither on this server nor on {host}."


class NoSuchWorld(ClientError):
    """The project has no such world."""

    sentence = "The project {project} has no world {world}."


class NoSuchController(ClientError):
    """The project, as delivered, has no such controller file."""

    sentence = "The project has no controller file {file} to go back to."


class NothingToReset(ClientError):
    """A controller is to be reset before anything runs."""

    sentence = "A controller can be reset once the simulation has started."


class TooManyResets(ClientError):
    """More controllers are to be reset at once than a page has a use for."""

    sentence = "The page resets too many controllers at once; start the simulation again."


class HostUnreachable(ClientError):
    """The website host does not answer."""

    sentence = "The website {host} does not answer; try again later."


class HostRefused(ClientError):
    """The website host answers with an error."""

    sentence = "The website {host} does not give the project: {answer}"


class DownloadBroken(ClientError):
    """The archive breaks off."""

    sentence = "The download of the project from {host} broke off; try again."


class DownloadTooLarge(ClientError):
    """The archive is larger than the limit."""

    sentence = "The project on {host} is larger than the {limit} MB that this server takes."


class BadArchive(ClientError):
    """What the website host sent is no archive, or one that must not be unpacked."""

    sentence = "The project that {host} sent cannot be unpacked: {reason}."


class ProjectTooLarge(ClientError):
    """The unpacked project is beyond a limit."""

    sentence = "The project is too large for this server: {reason}."


class FetchTimedOut(ClientError):
    """Fetching the project took too long."""

    sentence = "The project could not be fetched within {seconds} seconds; try again later."


class ServerFull(ClientError):
    """All places are taken."""

    sentence = "This server runs as many simulations as it can; try again later."


class NoFreePort(ClientError):
    """Every port for instances is in use."""

    sentence = "This server has no free port for another simulation; try again later."


class NoDiskSpace(ClientError):
    """The disk is full."""

    sentence = "This server has no disk space left for another simulation; try again later."


class WebotsNotFound(ClientError):
    """The simulator is not where the configuration says, or may not be executed."""

    sentence = "Webots cannot be started on this server; its administrator can see why in the log."


class WebotsSilent(ClientError):
    """Webots does not say that it has loaded the world."""

    sentence = "Webots did not load the world within {seconds} seconds; try again, or try a smaller world."


class WebotsEnded(ClientError):
    """Webots ended without having been asked to."""

    sentence = "Webots ended {how}; start the simulation again."


class ServerStopping(ClientError):
    """The simulation server is being stopped."""

    sentence = "This server is being stopped; start the simulation again to get another one."


class ServerDraining(ClientError):
    """The operator lets nobody in any more."""

    sentence = "This server takes no new simulations at the moment; start the simulation again to get another one."


class EndedByOperator(ClientError):
    """The operator has ended the instance."""

    sentence = "Whoever runs this server has ended the simulation; start it again to get another one."


class InternalError(ClientError):
    """A fault of ours."""

    sentence = "Something went wrong on this server; its administrator can see what in the log."


class NoSuchRoute(ClientError):
    """The path leads to no instance, or not any more."""

    sentence = "There is no such simulation, or it has ended; start the simulation again."


class NotPassedOn(ClientError):
    """The request is none that Webots is asked."""

    sentence = "This server does not pass this request on to Webots ({what})."


class WrongMethod(NotPassedOn):
    """The request is neither GET nor HEAD."""


class WrongVersion(NotPassedOn):
    """The client speaks another version of WebSockets."""


class ForeignViewer(ClientError):
    """The page belongs to another site than the one that started the instance."""

    sentence = "This page belongs to {origin} and cannot connect to this simulation."


class TooManySockets(ClientError):
    """An instance has as many connections as it may."""

    sentence = "Too many pages are connected to this simulation; close one, or try again later."


class TooManyRequests(ClientError):
    """An instance gets more requests than it may.

    @ivar seconds: after how long there may be another.
    """

    sentence = "This simulation gets too many requests; try again in {seconds} s."

    def __init__(self, seconds: int, detail: str = "") -> None:
        super().__init__(detail, seconds=seconds)
        self.seconds = seconds


class WebotsUnreachable(ClientError):
    """Webots does not take a connection."""

    sentence = "Webots cannot be reached; start the simulation again."


class WebotsTooSlow(ClientError):
    """Webots takes a connection, and does not answer."""

    sentence = "Webots did not answer within {seconds} seconds; try again later."


class BadAnswer(ClientError):
    """What Webots answers is no answer, or one that is not passed on."""

    sentence = "Webots gave an answer that this server does not pass on ({what})."


class BadFrames(ClientError):
    """What the page sends is not WebSocket's language."""

    sentence = "The page sent what is not a WebSocket message ({what})."


class NoFirstMessage(ClientError):
    """The page has connected to Webots and then said nothing."""

    sentence = "The page did not say within {seconds} seconds how it shows the simulation."


class AlreadyDriven(ClientError):
    """Somebody else drives the instance."""

    sentence = "Another page drives this simulation already."


class WatchRefused(ClientError):
    """The owner has not allowed others to watch."""

    sentence = "The owner of this simulation has not allowed others to watch it."


class NotWatching(ClientError):
    """A page that only watches wants to do more."""

    sentence = "The page says that it only watches, and asks for more than that."


class NotAWindow(ClientError):
    """A robot window wants to do more than speak to robots."""

    sentence = "A robot window may speak to robots only; the simulation has another address for its page."


class TooManyStarts(ClientError):
    """One network address starts instances faster than it may."""

    sentence = "Your network address has started {limit} simulations within a minute; wait a minute, then try again."


class IdleTooLong(ClientError):
    """The simulation is paused, and nobody does anything with it."""

    sentence = "The simulation was paused for {seconds} seconds and nothing was done with it; start it again."


class TimeIsUp(ClientError):
    """The instance has run for as long as any may."""

    sentence = "The simulation has run for {seconds} seconds, which is as long as any may; start it again."


class TooMuchMemory(ClientError):
    """The instance uses more memory than it may."""

    sentence = "The simulation uses more than the {limit} MB of memory that it may; start it again, with less in it."


class TooMuchSaved(ClientError):
    """The instance has written more into its project than it may."""

    sentence = (
        "The simulation has written more than the {limit} MB or {files} files that its project may have; see what its "
        "programs write, and start it again."
    )
