"""Encryption that looks after itself: certificate files and automatic certificates, both changed while in use."""
