"""Memory for AI that belongs to the person it is about."""

__version__ = "0.1.0"
