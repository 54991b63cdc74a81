"""A benchmark that runs the same work on the same tables through every library, side by side."""
