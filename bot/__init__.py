"""A small reference bot over the generated controllers; everything in it is ordinary application code."""
