"""C{/webots/TOKEN/...}: HTTP and WebSockets between clients and their instances' Webots, passed on by the server."""
