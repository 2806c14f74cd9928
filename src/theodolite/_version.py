"""The version, alone, so that any room can read it without the package around it."""

__version__ = "0.1.0"
