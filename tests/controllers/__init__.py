"""Tests of the generated controllers."""
