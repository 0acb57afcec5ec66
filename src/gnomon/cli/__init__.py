"""Defines the command line."""
