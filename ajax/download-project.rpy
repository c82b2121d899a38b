"""Gives a project to a simulation server: the base project, with the user's own files laid over it, as a ZIP archive.

For a Twisted web server. Put this file into the website's folder ajax as download-project.php.rpy, the name that
simulation servers ask for with .rpy added, and start the website with

    twist web --path=WEBSITE --ignore-ext=.rpy

Lines marked ADAPT are where your website may differ. The folder DATA, which must not be inside the website, has

    key                     its first line is the key that simulation servers have in their keyDir
    secret                  its first line is what users' tokens are signed with
    projects/PROJECT        base projects
    user/ID/projects        users' own versions of files, as upload-file saves them
"""

import hashlib
import hmac
import os
import re
import stat
import time
import zipfile
from pathlib import Path

from twisted.internet.interfaces import IPullProducer
from twisted.python import log
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from zope.interface import implementer

# ADAPT: where projects, users' files, the key and the secret are.
DATA = Path(os.environ.get("WEBOTS_DATA", "/var/lib/webots-cloud/host"))

BLOCK_BYTES = 64 * 1024


class Refusal(Exception):
    """Its text is told to the simulation server."""


def is_authentic(user, authentication):
    """Tell whether somebody is the user whose id is given."""
    # ADAPT: any token will do that your pages get from you and nobody can guess.
    right = hmac.new(first_line("secret"), b"authentication:" + user.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(right.encode(), authentication.encode())


def is_plain(name):
    """Tell whether a name has no dot at its beginning, no slash, nothing else that could lead elsewhere."""
    return re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}", name) is not None


def first_line(name):
    """Give the first line of a file in DATA."""
    line = (DATA / name).read_bytes().partition(b"\n")[0].strip()
    if not line:
        raise ValueError(f"the first line of {DATA / name} is empty")
    return line


def field(request, name):
    """Give a form field that must be there."""
    values = request.args.get(name.encode(), [])
    if not values:
        raise Refusal(f"missing field: {name}.")
    if len(values) > 1:
        raise Refusal(f"the field {name} is there twice.")
    return values[0].decode("utf-8", "replace")


def user_of(request):
    """Give the user's id, and None where there is no user."""
    user = field(request, "user1Id") if b"user1Id" in request.args else ""
    if user in ("", "0"):
        return None
    authentication = field(request, "user1Authentication") if b"user1Authentication" in request.args else ""
    if not is_plain(user) or not is_authentic(user, authentication):
        raise Refusal("wrong user authentication; reload the page.")
    return user


def files_below(root, *folders):
    """List the files in a folder by their names in it; nothing hidden, nothing through symbolic links."""
    for folder in folders:
        root = root / folder
        if root.is_symlink() or not root.is_dir():
            return {}
    files = {}
    for parent, inner, names in os.walk(root):
        inner[:] = [name for name in inner if not name.startswith(".")]
        for path in (Path(parent, name) for name in names if not name.startswith(".")):
            if path.is_file() and not path.is_symlink():
                files[path.relative_to(root).as_posix()] = path
    return files


def archive(files):
    """Make the archive block by block."""
    written = Written()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for name, path in sorted(files.items()):
            with open(path, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NOFOLLOW)) as file:
                status = os.fstat(file.fileno())
                info = zipfile.ZipInfo(name, max((1980, 1, 1, 0, 0, 0), time.gmtime(status.st_mtime)[:6]))
                info.compress_type = zipfile.ZIP_DEFLATED
                info.external_attr = (stat.S_IFREG | (0o755 if status.st_mode & stat.S_IXUSR else 0o644)) << 16
                left = status.st_size
                with packed.open(info, "w", force_zip64=left >= 2**31) as member:
                    while left and (data := file.read(min(left, BLOCK_BYTES))):
                        left -= len(data)
                        member.write(data)
                        yield written.take()
    yield written.take()


class Written:
    """What the archive writes; it cannot go back, so the archive writes sizes after each file."""

    def __init__(self):
        self.blocks = []

    def write(self, data):
        self.blocks.append(bytes(data))
        return len(data)

    def flush(self):
        pass

    def take(self):
        block, self.blocks = b"".join(self.blocks), []
        return block


@implementer(IPullProducer)
class Sending:
    """Sends one block whenever the simulation server has room for it."""

    def __init__(self, request, blocks):
        self.request = request
        self.blocks = blocks

    def resumeProducing(self):
        try:
            self.request.write(next(self.blocks))
        except StopIteration:
            self.request.unregisterProducer()
            self.request.finish()
        except OSError as error:
            log.msg(f"download-project breaks off: {error}")
            self.request.unregisterProducer()
            # Without its end the archive will not be taken for a whole one.
            self.request.channel.loseConnection()

    def stopProducing(self):
        self.blocks.close()


class DownloadProject(Resource):
    """Answers the form of a simulation server."""

    isLeaf = True

    def render_GET(self, request):
        request.setHeader(b"content-type", b"text/plain; charset=utf-8")
        return b"Error: send this request with POST."

    def render_POST(self, request):
        try:
            files = self.files(request)
        except Refusal as refusal:
            request.setHeader(b"content-type", b"text/plain; charset=utf-8")
            return f"Error: {refusal}".encode()
        except Exception:
            log.err(None, "download-project failed")
            request.setHeader(b"content-type", b"text/plain; charset=utf-8")
            return b"Error: something went wrong on this server; its administrator can see what in the log."
        request.setHeader(b"content-type", b"application/zip")
        request.registerProducer(Sending(request, archive(files)), False)
        return NOT_DONE_YET

    def files(self, request):
        if not hmac.compare_digest(first_line("key"), field(request, "key").encode()):
            raise Refusal("wrong key.")
        project = field(request, "project")
        user = user_of(request)
        files = files_below(DATA, "projects", project) if is_plain(project) else {}
        if not files:
            raise Refusal("no such directory: " + "".join(c for c in project if c.isprintable())[:80])
        if user is not None:
            files.update(files_below(DATA, "user", user, "projects", project))
        return files


resource = DownloadProject()
