"""What must hold with many at once, and when things break: a slice of it in every run, all of it by `make stress`."""
