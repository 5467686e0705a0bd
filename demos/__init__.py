"""Runnable demonstrations; each is a module with a command line."""
