"""Simulated clients for C{webots-cloud load-test}: what each of them does, and what is said of all."""
