"""What the monitor pages of the session server and the simulation server share: who may see them, and what is live."""
