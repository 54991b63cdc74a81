"""Decides which methods each model gets, and how everything is called."""
