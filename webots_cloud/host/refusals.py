"""What simulation servers and pages are told instead of a project or an C{OK}: one class for each reason."""

from __future__ import annotations

from typing import ClassVar

from webots_cloud.errors import ClientError


class WrongKey(ClientError):
    """The simulation server does not know the key."""

    sentence = "wrong key."


class WrongUser(ClientError):
    """The user is not who is claimed."""

    sentence = "wrong user authentication; reload the page."


class NoSuchDirectory(ClientError):
    """There is no such project; the wording is that of docs/protocol.md section 6."""

    sentence = "no such directory: {project}"


class MissingField(ClientError):
    """The form lacks a field."""

    sentence = "missing field: {field}."


class RepeatedField(ClientError):
    """The form has a field twice."""

    sentence = "the field {field} is there twice."


class BadForm(ClientError):
    """The body is no form."""

    sentence = "the request is not a form that this server understands."


class NotPost(ClientError):
    """A form was asked for with another method."""

    sentence = "send this request with POST."


class TooLarge(ClientError):
    """The body is longer than the limit."""

    sentence = "the file is larger than the {limit} MB that can be sent at once."


class BadFile(ClientError):
    """The name of a file to save is not a plain one, or is a folder's."""

    sentence = "{name} is not a name that a file can be saved under."


class NoSuchControllerFolder(ClientError):
    """The controller to save is none of an existing project."""

    sentence = "there is no controller folder {dirname}."


class QuotaExceeded(ClientError):
    """The visitor has saved as much as is allowed."""

    sentence = "your saved files would take more than your {quota} MB; make them smaller."


class TooManyFiles(ClientError):
    """The visitor has saved as many files as are allowed."""

    sentence = "you have saved {limit} files and cannot save another one."


class DiskFull(ClientError):
    """The file cannot be written."""

    sentence = "this server cannot save files at the moment; try again later."
    status: ClassVar[int] = 503


class ForeignPage(ClientError):
    """The form was sent by a page of another site."""

    sentence = "only pages of this site can save files."


class TooManyGuests(ClientError):
    """Many visitors without a cookie come from one address."""

    sentence = "too many new visitors from your address; try again in a minute."
    status: ClassVar[int] = 429


class Broken(ClientError):
    """A fault of ours."""

    sentence = "something went wrong on this server; its administrator can see what in the log."
    status: ClassVar[int] = 500


class NothingSaved(ClientError):
    """The visitor has no version of a project, or of a file, that is not the original."""

    sentence = "you have no version of your own of this in {project}; reload the page."


class TooManyDownloads(ClientError):
    """One network address is sent many archives at once."""

    sentence = "your network address is downloading {limit} projects at once; wait until one of them is complete."


class AccountRefusal(ClientError):
    """What a page of accounts is told.

    @cvar status: of the answer (RFC 9110 section 15).
    @cvar field: what is wrong is what was typed there; empty: it is nothing in particular.
    """

    status: ClassVar[int] = 400
    field: ClassVar[str] = ""


class BadRequestBody(AccountRefusal):
    """The body is not what the page sends."""

    sentence = "The page sent a request that this server does not understand ({what}); reload the page."


class WrongFormToken(AccountRefusal):
    """The request does not come from a page of this site that was read by this visitor."""

    sentence = "This page is too old, or you have logged in or out elsewhere; reload the page."
    status = 403


class BadName(AccountRefusal):
    """Nobody can have this name."""

    sentence = "This name {what}; choose another one."
    field = "name"


class NameTaken(AccountRefusal):
    """Somebody else has the name."""

    sentence = "This name is taken; choose another one."
    status = 409
    field = "name"


class BadPassword(AccountRefusal):
    """Nobody should have this password."""

    sentence = "This password {what}; choose another one."
    field = "newPassword"


class WrongPassword(AccountRefusal):
    """The password is not that of the account, or there is no such account; nobody is told which."""

    sentence = "Name or password is wrong."
    status = 403
    field = "password"


class TooManyAttempts(AccountRefusal):
    """Something was tried too often."""

    sentence = "That was tried too often; try again in {minutes} min."
    status = 429


class NoSignUp(AccountRefusal):
    """The operator does not let visitors make accounts."""

    sentence = "New accounts cannot be made on this website."
    status = 403


class HasAccount(AccountRefusal):
    """The visitor has an account already."""

    sentence = "You have an account already; reload the page."
    status = 409


class NoAccount(AccountRefusal):
    """The visitor is a guest, and asks for what accounts can do."""

    sentence = "You are not logged in any more; log in and try again."
    status = 403


class TooBusy(AccountRefusal):
    """Many visitors log in at the same time."""

    sentence = "Many visitors are logging in at the moment; try again in a few seconds."
    status = 503
