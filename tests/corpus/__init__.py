"""Unusual models that the generator must support; the type checkers check the emitted code."""
