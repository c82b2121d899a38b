"""The log: which line goes where, as a text in files that are rotated, or as fields to the journal of systemd."""
