"""What a controller process gets: the ``controller`` module that it imports, and the small program that starts it."""
