"""Saves a user's own version of a controller file.

For a Twisted web server. Put this file into the website's folder ajax as upload-file.php.rpy, the name that pages ask
for with .rpy added, and start the website with

    twist web --path=WEBSITE --ignore-ext=.rpy

Lines marked ADAPT are where your website may differ. The folder DATA is described in download-project.rpy.
"""

import hashlib
import hmac
import os
import re
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from twisted.python import log
from twisted.web.resource import Resource

# ADAPT: where projects, users' files and the secret are.
DATA = Path(os.environ.get("WEBOTS_DATA", "/var/lib/webots-cloud/host"))

# ADAPT: how much each user may save. A file counts as at least one block of the disk.
QUOTA_BYTES = 10_000_000
DISK_BLOCK_BYTES = 4096

MAX_FILE_BYTES = 2 * 1024 * 1024


class Refusal(Exception):
    """Its text is told to the page."""


def user_of(request):
    """Give the id of the user whose browser sends this."""
    # ADAPT: look into your website's session. Here it is a cookie ID.SIGNATURE, made where the user logs in.
    user, _, signature = (request.getCookie(b"webots_guest") or b"").decode("ascii", "replace").partition(".")
    right = hmac.new(first_line("secret"), b"cookie:" + user.encode(), hashlib.sha256).hexdigest()
    if not is_plain(user) or not hmac.compare_digest(right.encode(), signature.encode()):
        raise Refusal("only users of this site can save files; log in and try again.")
    return user


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
    return values[0]


def text_field(request, name):
    """Give a form field that is a short text."""
    return field(request, name).decode("utf-8", "replace")[:1000]


def content_of(request):
    """Give the file's content."""
    content = field(request, "content")
    if len(content) > MAX_FILE_BYTES:
        raise Refusal("the file is larger than the 2 MB that can be sent at once.")
    if (request.getHeader(b"content-type") or b"").lower().startswith(b"multipart/"):
        # In such a form the browser has turned every line end into CR LF.
        content = content.replace(b"\r\n", b"\n")
    return content


def is_from_this_site(request):
    """Tell whether a page of this website sends this, or a program that is no browser."""
    try:
        sender = request.getHeader("origin") or request.getHeader("referer")
        return sender is None or urlsplit(sender).netloc.lower() == (request.getHeader("host") or "").lower()
    except ValueError:
        return False


def is_folder(root, *folders):
    """Tell whether folders lie within each other, none of them a symbolic link."""
    for folder in folders:
        root = root / folder
        if root.is_symlink() or not root.is_dir():
            return False
    return True


def inner_folder(root, *folders):
    """Open a folder, made where it lacks, without passing through symbolic links."""
    where = os.open(root, os.O_DIRECTORY)
    for folder in folders:
        try:
            os.mkdir(folder, 0o700, dir_fd=where)
        except FileExistsError:
            pass
        try:
            inner = os.open(folder, os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=where)
        finally:
            os.close(where)
        where = inner
    return where


def used_bytes(user):
    """Count what a user has saved."""
    files = (Path(parent, name) for parent, _, names in os.walk(DATA / "user" / user) for name in names)
    return sum(counted(path.lstat().st_size) for path in files)


def counted(size):
    """Give what a file counts against the quota."""
    return max(size, DISK_BLOCK_BYTES)


def save(user, folders, name, content):
    """Save a file whole or not at all."""
    target = DATA.joinpath("user", user, *folders, name)
    before = counted(target.lstat().st_size) if os.path.lexists(target) else 0
    if used_bytes(user) - before + counted(len(content)) > QUOTA_BYTES:
        raise Refusal(f"your saved files would take more than your {QUOTA_BYTES // 1_000_000} MB; make them smaller.")
    os.close(inner_folder(DATA, "incoming"))
    descriptor, complete = tempfile.mkstemp(dir=DATA / "incoming")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        where = inner_folder(DATA, "user", user, *folders)
        try:
            os.replace(complete, name, dst_dir_fd=where)
        finally:
            os.close(where)
    except BaseException:
        os.unlink(complete)
        raise


class UploadFile(Resource):
    """Answers the form of a page."""

    isLeaf = True

    def render_GET(self, request):
        request.setHeader(b"content-type", b"text/plain; charset=utf-8")
        return b"Error: send this request with POST."

    def render_POST(self, request):
        request.setHeader(b"content-type", b"text/plain; charset=utf-8")
        try:
            self.save(request)
        except Refusal as refusal:
            return f"Error: {refusal}".encode()
        except OSError as error:
            log.msg(f"upload-file cannot save: {error}")
            return b"Error: this server cannot save files at the moment; try again later."
        except Exception:
            log.err(None, "upload-file failed")
            return b"Error: something went wrong on this server; its administrator can see what in the log."
        return b"OK"

    def save(self, request):
        if not is_from_this_site(request):
            raise Refusal("only pages of this site can save files.")
        dirname, filename, content = text_field(request, "dirname"), text_field(request, "filename"), content_of(request)
        user = user_of(request)
        parts = dirname.split("/")
        plain = len(parts) == 3 and parts[1] == "controllers" and all(is_plain(part) for part in parts)
        if not plain or not is_folder(DATA, "projects", *parts):
            shown = "".join(c for c in dirname if c.isprintable())[:80]
            raise Refusal(f"there is no controller folder {shown}.")
        if not is_plain(filename) or DATA.joinpath("projects", *parts, filename).is_dir():
            shown = "".join(c for c in filename if c.isprintable())[:80]
            raise Refusal(f"{shown} is not a name that a file can be saved under.")
        save(user, ("projects", *parts), filename, content)


resource = UploadFile()
