"""Where models run: behind one interface, in this process or (later) in one of their own."""
