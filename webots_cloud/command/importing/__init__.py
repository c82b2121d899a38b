"""Reading the JSON configuration of the reference servers, and saying the same in ours; no I/O but reading files."""
