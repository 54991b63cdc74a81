"""A small reference bot on the generated controllers, written as an ordinary application."""
