"""Encryption: certificates from files or from an authority, and connections that are encrypted with them."""
