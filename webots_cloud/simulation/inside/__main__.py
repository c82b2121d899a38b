"""Entry point: ``python -I -S inside/__main__.py NAME=VALUE... -- PROGRAM ARGUMENT...``.

A client waits while this is imported: what takes long to import, as pathlib and typing do, is not used in this folder.
"""

import os
import sys

_CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))))

# Isolated mode, in which no file of a project can take a module's place, leaves this folder out.
sys.path.append(_CHECKOUT)

from webots_cloud.simulation.inside.launcher import main  # noqa: E402 -- it is found only now

main(sys.argv[1:])
