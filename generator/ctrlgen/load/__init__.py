"""Runs the user's modules in a process of its own and finds the mapped classes and their places."""
