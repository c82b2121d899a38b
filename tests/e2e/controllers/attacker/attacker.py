"""A robot's controller that does what a test wants: programs come into C{order.py}, as a page saves controllers.

What a program has printed is printed in turn, as one line of JSON.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

from controller import Robot

PATIENCE = 100.0
LONGEST = 3000
ORDER = Path(__file__).with_name("order.py")
COMPLETE = re.compile(r"# order ([0-9]+)\n.*# end of order \1\n", re.DOTALL)


def carry_out(number: int, program: str) -> None:
    """Run a program of its own, so that an attack may do to its process what it likes."""
    try:
        ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=PATIENCE)
        status, printed, complained = ended.returncode, ended.stdout, ended.stderr
    except (OSError, subprocess.TimeoutExpired) as error:
        status, printed, complained = -1, b"", repr(error).encode()
    texts = (text.decode("utf-8", "replace")[-LONGEST:] for text in (printed, complained[-500:]))
    print(json.dumps([number, status, *texts]), flush=True)


robot = Robot()
done = 0
while robot.step(32) != -1:
    found = COMPLETE.fullmatch(ORDER.read_text()) if ORDER.exists() else None
    if found and int(found.group(1)) != done:
        done = int(found.group(1))
        carry_out(done, found.group())
