"""Training of the built-in model: synthetic slices, simulated clicks, one command."""
