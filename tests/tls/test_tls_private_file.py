"""Files with private keys: who may read them, and what is left when writing fails; and the account's key in one."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from twisted.logger import capturedLogs

from webots_cloud.tls.account import BadAccountKey, ensure_account_key
from webots_cloud.tls.private_file import read_private, write_private

CHECKOUT = Path(__file__).parents[2]

ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from webots_cloud.tls.private_file import write_private
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_private(Path(sys.argv[1]), b"n" * 2000)
except OSError as error:
    sys.exit(f"refused: {error.strerror}")
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def pem(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey, password: bytes = b""
) -> bytes:
    encryption: KeySerializationEncryption = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def test_a_file_is_for_its_owner_only_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        write_private(tmp_path / "made" / "file", b"content")
    finally:
        os.umask(old)

    assert (tmp_path / "made" / "file").read_bytes() == b"content"
    assert mode(tmp_path / "made" / "file") == 0o600
    assert mode(tmp_path / "made") == 0o700


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_private(file, b"the old content, which is longer")
    with file.open("rb") as reader:
        write_private(file, b"new")

        assert reader.read() == b"the old content, which is longer"
    assert file.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["file"]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_private(file, b"old")

    ended = subprocess.run(
        [sys.executable, "-c", ON_A_FULL_DISK, str(file)], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )

    assert "refused: File too large" in ended.stderr
    assert file.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_that_cannot_be_written_to_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_private(file, b"old")
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError):
            write_private(file, b"new")
    finally:
        tmp_path.chmod(0o700)

    assert file.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize(("found", "left"), [(0o644, 0o600), (0o640, 0o600), (0o604, 0o600), (0o440, 0o400)])
def test_a_file_that_others_may_read_is_taken_away_from_them_with_a_line_in_the_log(
    tmp_path: Path, found: int, left: int
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"content")
    file.chmod(found)

    with capturedLogs() as events:
        assert read_private(file) == b"content"

    assert mode(file) == left
    assert [(event["path"], event["mode"]) for event in events] == [(str(file), found)]


@pytest.mark.parametrize("found", [0o600, 0o400])
def test_a_file_that_others_may_not_read_is_left_alone(tmp_path: Path, found: int) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"content")
    file.chmod(found)

    with capturedLogs() as events:
        assert read_private(file) == b"content"

    assert mode(file) == found
    assert not events


def test_an_account_has_a_key_that_stays(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "account.key"

    first, second = ensure_account_key(file), ensure_account_key(file)

    assert first.jwk == second.jwk
    assert mode(file) == 0o600
    assert first.jwk.public_key().to_json()["crv"] == "P-256"


def test_an_account_may_have_an_rsa_key_of_before(tmp_path: Path) -> None:
    file = tmp_path / "account.key"
    write_private(file, pem(rsa.generate_private_key(65537, 2048)))

    assert b'"RS256"' in _header(ensure_account_key(file).sign("https://ca/", "nonce", {}, None))


def _header(signed: bytes) -> bytes:
    return base64.urlsafe_b64decode(json.loads(signed)["protected"] + "==")


BAD_KEYS = {
    "nothing": b"",
    "a word": b"key",
    "encrypted": pem(ec.generate_private_key(ec.SECP256R1()), b"password"),
    "another curve": pem(ec.generate_private_key(ec.SECP521R1())),
    "another kind": pem(ed25519.Ed25519PrivateKey.generate()),
}


@pytest.mark.parametrize("content", BAD_KEYS.values(), ids=BAD_KEYS.keys())
def test_an_account_key_that_is_none_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "account.key"
    write_private(file, content)

    with pytest.raises(BadAccountKey, match=rf"{file}.*remove .* to have a new account made"):
        ensure_account_key(file)

    assert file.read_bytes() == content


def test_an_account_key_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    file = tmp_path / "account.key"
    write_private(file, pem(ec.generate_private_key(ec.SECP256R1())))
    file.chmod(0)

    with pytest.raises(BadAccountKey, match=r"cannot be kept for this user only \(Permission denied\); give it to"):
        ensure_account_key(file)


def test_an_account_key_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("no folder")

    with pytest.raises(BadAccountKey, match=r"folder/account\.key .*Not a directory|cannot be written"):
        ensure_account_key(tmp_path / "folder" / "account.key")
