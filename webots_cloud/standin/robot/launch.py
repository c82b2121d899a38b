"""First program of a controller process: makes sure that it ends with the simulator, then runs the controller's file.

Started by ``webots_cloud.standin.controllers`` as ``python launch.py SIMULATOR_PID FILE ARGUMENTS...``.
"""

import ctypes
import importlib
import os
import runpy
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Run the controller named on the command line."""
    simulator, path = int(sys.argv[1]), sys.argv[2]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != simulator:
        sys.exit("The simulator has ended.")
    # Loaded before the controller's own folder comes first, so that no file of the project takes its place.
    importlib.import_module("controller")

    sys.argv = sys.argv[2:]
    sys.path[0] = os.path.dirname(path)
    runpy.run_path(path, run_name="__main__")


if __name__ == "__main__":
    main()
