"""script/python installs packages for their programs: services that come with them do not run afterwards."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "script" / "python"
NOTE = '#!/bin/sh\necho "$(basename "$0") $*" >> "$NOTED"\n'
SYSTEMCTL = (
    NOTE
    + """case "$1" in
  show-environment) [ -e "$RUNS/systemd" ] ;;
  cat) [ -e "$RUNS/$2" ] ;;
esac
"""
)
APT_GET = NOTE + 'case "$*" in *prometheus*) touch "$RUNS/prometheus"; exit ${FAILS:-0} ;; esac\n'


class Machine:
    """A machine on which nothing is really installed."""

    def __init__(self, folder: Path, *there: str) -> None:
        """Make it.

        @param there: the services that it has, and C{systemd} if that runs.
        """
        self._noted = folder / "noted"
        programs = {"sudo": '#!/bin/sh\nexec "$@"\n', "apt-get": APT_GET, "systemctl": SYSTEMCTL, "id": "#!/bin/sh\n"}
        for name, script in programs.items():
            (folder / name).write_text(script)
            (folder / name).chmod(0o755)
        for name in there:
            (folder / "runs" / name).parent.mkdir(exist_ok=True)
            (folder / "runs" / name).touch()
        (folder / "runs").mkdir(exist_ok=True)
        self._environment = {
            "PATH": f"{folder}:{os.environ['PATH']}",
            "NOTED": str(self._noted),
            "RUNS": str(folder / "runs"),
        }

    def install(self, package: str, **environment: str) -> tuple[int, list[str]]:
        """Install a package; give the status, and what was done to services and packages."""
        status = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f'. "{SCRIPT}"; install_packages {package}'],
            env=self._environment | environment,
            capture_output=True,
            timeout=60,
        ).returncode
        lines = self._noted.read_text().splitlines()
        return status, [line for line in lines if " cat " not in line and "show-environment" not in line]


UPDATE = "apt-get update -qq"
INSTALL = "apt-get install -y -qq --no-install-recommends prometheus"


def test_a_service_that_comes_with_a_package_is_not_started_now_or_later(tmp_path: Path) -> None:
    assert Machine(tmp_path, "systemd").install("prometheus") == (
        0,
        [
            UPDATE,
            "systemctl --quiet --runtime mask nginx prometheus",
            INSTALL,
            "systemctl --quiet --runtime unmask nginx prometheus",
            "systemctl --quiet disable prometheus",
        ],
    )


def test_services_that_were_there_before_are_left_alone(tmp_path: Path) -> None:
    assert Machine(tmp_path, "systemd", "nginx", "prometheus").install("prometheus") == (0, [UPDATE, INSTALL])


def test_where_systemd_does_not_run_there_is_nothing_to_be_done(tmp_path: Path) -> None:
    assert Machine(tmp_path).install("prometheus") == (0, [UPDATE, INSTALL])


def test_nothing_stays_masked_if_installing_fails(tmp_path: Path) -> None:
    status, done = Machine(tmp_path, "systemd").install("prometheus", FAILS="100")
    assert status == 100
    assert "systemctl --quiet --runtime unmask nginx prometheus" in done
