"""What an operator does from a terminal: C{webots-cloud}; a module for each of its subcommands."""
