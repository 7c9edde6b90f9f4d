"""Whether Qt can be loaded on this machine, and which of Debian's packages it lacks."""

import os
import re

# Shared libraries that PySide6 and VTK link to, and the Debian packages that have them.
PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libGLX.so.0": "libglx0",
    "libOpenGL.so.0": "libopengl0",
    "libX11.so.6": "libx11-6",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libgssapi_krb5.so.2": "libgssapi-krb5-2",
}


def why_not() -> str | None:
    """None when Qt's widgets can be used; a sentence that names the package otherwise."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    try:
        import PySide6.QtWidgets  # noqa: F401
        import slicer  # noqa: F401
    except ModuleNotFoundError as error:
        return f"The Python package {error.name} is not installed (pip install 'samsegment[test]')."
    except ImportError as error:
        match = re.match(r"(\S+\.so[.\d]*): cannot open shared object file", str(error))
        if match is None:
            return f"Qt cannot be loaded: {error}"
        package = PACKAGES.get(match[1], f"the package that has {match[1]}")
        return f"Qt cannot be loaded: {match[1]} is missing (apt-get install {package})."
    return None
