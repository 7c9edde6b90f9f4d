"""The bridge between a MRML scene and the engine, for Slicer's module and the browser viewer: no Qt here."""
