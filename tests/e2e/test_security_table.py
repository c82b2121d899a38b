"""The table of attacks in docs/security.md and the attacks that are tested are the same."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
TABLE = HERE.parents[1] / "docs" / "security.md"


def test_the_table_names_every_attack_and_no_other() -> None:
    rows = [line for line in TABLE.read_text().splitlines() if line.startswith("|")]
    named = {name for row in rows for name in re.findall(r"`(test_\w+)`", row)}
    tested = {
        name for file in HERE.glob("test_*attacks.py") for name in re.findall(r"def (test_\w+)", file.read_text())
    }
    assert len(tested) > 40
    assert named == tested
