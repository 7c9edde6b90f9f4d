"""Run the module's self tests in Slicer and leave with an exit code that tells how they went."""
# ruff: noqa: INP001 - a script, not a part of a package

import sys
import unittest
from pathlib import Path

import slicer

sys.path.append(str(Path(__file__).resolve().parents[1] / "SAMSegment"))
suite = unittest.TestLoader().loadTestsFromName("SAMSegment")
result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
ran_all = result.wasSuccessful() and result.testsRun > len(result.skipped)
slicer.util.exit(slicer.util.EXIT_SUCCESS if ran_all else slicer.util.EXIT_FAILURE)
