"""Measurements; each is a module with a command line."""
