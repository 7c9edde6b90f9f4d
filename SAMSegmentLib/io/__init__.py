"""Reading volumes and writing segmentations."""
