"""The configuration: an INI file as frozen objects, one class per section."""

from webots_cloud.config.command_line import EX_CONFIG, ConfigOptions, refuse_to_start
from webots_cloud.config.mistakes import ConfigError, Mistake
from webots_cloud.config.reading import read_config
from webots_cloud.config.sections import (
    SECTIONS,
    SERVERS,
    AcmeConfig,
    Config,
    HostConfig,
    Section,
    ServerConfig,
    SessionConfig,
    SimulationConfig,
)
from webots_cloud.config.values import DEMO_PROJECTS, state_directory

__all__ = [
    "DEMO_PROJECTS",
    "EX_CONFIG",
    "SECTIONS",
    "SERVERS",
    "AcmeConfig",
    "Config",
    "ConfigError",
    "ConfigOptions",
    "HostConfig",
    "Mistake",
    "Section",
    "ServerConfig",
    "SessionConfig",
    "SimulationConfig",
    "read_config",
    "refuse_to_start",
    "state_directory",
]
