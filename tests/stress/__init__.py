"""Tests under concurrency and failures: a small part in every run, everything with `make stress`."""
