"""What ``samsegment bench`` measures: the engine's parts, each beside a reference in the same run."""
