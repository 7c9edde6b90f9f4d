"""Where tests find real volumes, and the checkout itself."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]

# Real volumes lie beside a developer's checkout and are never copied into it; tests that need them skip without.
SHARED_DATA = REPOSITORY.parent / "shared" / "data"
