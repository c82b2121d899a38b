"""The session server: which simulation servers can be had, and who gets which."""
