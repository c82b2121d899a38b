"""Robot simulation in the browser: a session server, simulation servers, and a website host."""

__version__ = "0.1.0"
