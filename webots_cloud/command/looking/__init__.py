"""What C{webots-cloud check} looks at; each function gives what it has found, and none changes anything of a server."""
