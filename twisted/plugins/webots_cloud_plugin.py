"""Tells twist of the servers; nothing else."""

from twisted.application.service import ServiceMaker

webots_session = ServiceMaker(
    "Webots session server",
    "webots_cloud.session.service",
    "Hands out the least loaded Webots simulation server.",
    "webots-session",
)
webots_simulation = ServiceMaker(
    "Webots simulation server",
    "webots_cloud.simulation.service",
    "Runs a Webots for each client.",
    "webots-simulation",
)
webots_host = ServiceMaker(
    "Webots website host",
    "webots_cloud.host.service",
    "Serves projects, visitors' own versions of them, and the demo site.",
    "webots-host",
)
webots_cloud = ServiceMaker(
    "Webots session server, simulation server and website host",
    "webots_cloud.service",
    "All three Webots servers in one process, for one machine.",
    "webots-cloud",
)
