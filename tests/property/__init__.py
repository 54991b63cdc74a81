"""Packages of models that nobody thought of, through the whole pipeline and a real database."""
