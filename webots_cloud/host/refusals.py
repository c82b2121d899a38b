"""What simulation servers and pages are told instead of a project or an C{OK}: one class for each reason."""

from __future__ import annotations

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


class ForeignPage(ClientError):
    """The form was sent by a page of another site."""

    sentence = "only pages of this site can save files."


class TooManyGuests(ClientError):
    """Many visitors without a cookie come from one address."""

    sentence = "too many new visitors from your address; try again in a minute."


class Broken(ClientError):
    """A fault of ours."""

    sentence = "something went wrong on this server; its administrator can see what in the log."
