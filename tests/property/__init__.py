"""Packages of random models through the whole pipeline and a real database."""
