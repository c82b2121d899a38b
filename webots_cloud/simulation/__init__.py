"""The simulation server: one Webots for each client, from its project to its end."""
