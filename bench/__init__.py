"""Side-by-side benchmark: the same work, on the same tables, through every contender, in one run."""
