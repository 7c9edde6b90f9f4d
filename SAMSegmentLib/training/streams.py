"""The random streams of a run: each is seeded with the run's seed, one of these and a running number.

Nothing random is carried from one step to the next, so a run that is stopped and resumed draws the same numbers.
"""

SLICE_STREAM = 0  # by number in the pool
SAMPLE_STREAM = 1  # by number of the sample in the run
STEP_STREAM = 2  # by number of the step's first sample
