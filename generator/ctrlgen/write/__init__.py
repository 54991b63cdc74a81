"""Compares the sources with the disk, and writes them all or none."""
