"""Stand-ins for the Python part of Slicer that needs Qt, and is therefore not in slicer-core.

Written for the host from what Slicer documents and promises; no code of Slicer's.
"""
