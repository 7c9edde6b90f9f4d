"""The panel of the SAMSegment module: one controller for each section, joined by :class:`panel.Panel`."""
