"""A small simulator that speaks Webots' protocols, for machines without Webots; it always says that it is a stand-in.

The simulation server starts it exactly as it starts Webots (docs/protocol.md, section 3).
"""

NAME = "webots-cloud stand-in (not Webots)"
