"""The folder of a project: which of its files may be read, written or shown, by names that strangers send.

Files are opened without following symbolic links, so that no name leads out of the project.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

MAX_FILE = 1024 * 1024
_MOST_FILES = 200
_EDITED = (
    ".py", ".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".hxx", ".txt", ".json", ".ini", ".csv", "Makefile",
)  # fmt: skip
_SHOWN = (
    ".png", ".jpg", ".jpeg", ".gif", ".svg", ".hdr", ".ico", ".html", ".css", ".js", ".json", ".woff2",
    ".obj", ".mtl", ".stl", ".dae", ".wav", ".mp3",
)  # fmt: skip


class ProjectError(ValueError):
    """A file that cannot be had or written; the text is one sentence for the client."""


def is_plain_name(name: str) -> bool:
    """Whether a name is that of one file or folder and nothing else: no separators, not hidden, printable, short."""
    return 0 < len(name) <= 128 and name[0] != "." and name.isprintable() and not set(name) & set('/\\:;"<>|?*')


class Project:
    """One project.

    @param root: its folder, the one that holds ``worlds`` and ``controllers``.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def worlds(self, folder: Path) -> list[str]:
        """Names of the worlds in a folder, sorted."""
        found = (entry.name for entry in os.scandir(folder) if entry.name.endswith(".wbt"))
        return sorted(name for name in found if is_plain_name(name))[:_MOST_FILES]

    def controller(self, name: str) -> Path | None:
        """The main file of a controller, or ``None`` where there is none inside the project."""
        path = self.root / "controllers" / name / f"{name}.py"
        if not is_plain_name(name) or not path.is_file() or path.resolve() != path:
            return None
        return path

    def controller_files(self, name: str) -> list[str]:
        """Names of the text files of a controller, its main file first.

        @raise ProjectError: where there is no such controller.
        """
        with self._controller_folder(name) as folder:
            names = [file for file in os.listdir(folder) if is_plain_name(file) and file.endswith(_EDITED)]
        return sorted(names, key=lambda file: (file != f"{name}.py", file))[:_MOST_FILES]

    def read(self, controller: str, file: str) -> str:
        """Content of one file of a controller.

        @raise ProjectError: where it is not there, not a plain file, not text or too long.
        """
        with self._opened(controller, file, os.O_RDONLY) as handle:
            data = os.read(handle, MAX_FILE + 1)
        if len(data) > MAX_FILE:
            raise ProjectError(f"{file} is longer than {MAX_FILE} bytes.")
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise ProjectError(f"{file} is not a text in UTF-8.") from error

    def write(self, controller: str, file: str, content: str) -> None:
        """Replace or add one file of a controller.

        @raise ProjectError: where that is not possible.
        """
        data = content.encode(errors="replace")
        if len(data) > MAX_FILE:
            raise ProjectError(f"{file} is longer than {MAX_FILE} bytes.")
        with self._opened(controller, file, os.O_WRONLY | os.O_CREAT) as handle:
            os.ftruncate(handle, 0)
            while data:
                data = data[os.write(handle, data) :]

    def shown(self, segments: list[str]) -> Path | None:
        """A file that web pages may have: a texture or a part of a robot window.

        @param segments: the parts of the URL's path, unquoted.
        """
        if not segments or not all(is_plain_name(segment) for segment in segments):
            return None
        above = ["plugins"] if segments[0] == "robot_windows" else []
        path = self.root.joinpath(*above, *segments)
        if path.suffix.lower() not in _SHOWN or not path.is_file() or path.resolve() != path:
            return None
        return path

    def texture(self, folder: Path, url: str) -> str | None:
        """Path of a texture below the server's root, or ``None`` where it is not a file of the project.

        @param folder: folder of the world that names it.
        @param url: as in the world: relative to the world.
        """
        if "\0" in url or len(url) > 1000:
            return None
        try:
            path = Path(os.path.normpath(folder / url)).relative_to(self.root)
        except ValueError:
            return None
        return quote(str(path)) if self.shown(list(path.parts)) else None

    @contextmanager
    def _controller_folder(self, name: str) -> Iterator[int]:
        if not is_plain_name(name):
            raise ProjectError(f"{name[:60]!r} is not the name of a controller.")
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
        handles = [os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)]
        try:
            for part in ("controllers", name):
                handles.append(os.open(part, flags, dir_fd=handles[-1]))
            yield handles[-1]
        except OSError as error:
            raise ProjectError(f"{_reason(error)}: controller {name}.") from error
        finally:
            for handle in handles:
                os.close(handle)

    @contextmanager
    def _opened(self, controller: str, file: str, flags: int) -> Iterator[int]:
        if not is_plain_name(file):
            raise ProjectError(f"{file[:60]!r} is not the name of a file.")
        with self._controller_folder(controller) as folder:
            if flags & os.O_CREAT and len(os.listdir(folder)) > _MOST_FILES:
                raise ProjectError(f"Controller {controller} has too many files.")
            # Not blocking: opening a pipe that lies there would wait for its other end.
            handle = os.open(file, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o644, dir_fd=folder)
            try:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise ProjectError(f"{file} is not a plain file.")
                yield handle
            finally:
                os.close(handle)


def _reason(error: OSError) -> str:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return "There is no such file"
    if error.errno == errno.ELOOP:
        return "Links are not followed"
    return error.strerror or "The file cannot be used"
