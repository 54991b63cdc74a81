"""Emits a test module per controller once, and adds tests for new methods later."""
