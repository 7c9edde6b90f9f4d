"""Where tests find real volumes."""

from pathlib import Path

# Real volumes lie beside a developer's checkout and are never copied into it; tests that need them skip without.
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
