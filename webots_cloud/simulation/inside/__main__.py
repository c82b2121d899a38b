"""Entry point: ``python -I -S inside/__main__.py NAME=VALUE... -- PROGRAM ARGUMENT...``."""

import sys
from pathlib import Path

# Isolated mode, in which no file of a project can take a module's place, leaves this folder out.
sys.path.append(str(Path(__file__).resolve().parents[3]))

from webots_cloud.simulation.inside.launcher import main

main(sys.argv[1:])
