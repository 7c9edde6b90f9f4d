"""The lists of files in CMakeLists.txt: what is not in them is not in the extension's package.

Run ``python -m Testing.cmake_lists`` after a file was added or removed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from Testing.paths import REPOSITORY

_NEVER_PACKAGED = {"CMakeLists.txt"}


@dataclass(frozen=True)
class FileList:
    """One ``set(VARIABLE ...)`` of a folder's CMakeLists.txt; ``is_python`` tells which files belong into it."""

    folder: Path
    variable: str
    is_python: bool

    @property
    def cmake_file(self) -> Path:
        return self.folder / "CMakeLists.txt"

    def listed(self) -> list[str]:
        return self._pattern().search(self.cmake_file.read_text(encoding="utf-8"))[1].split()

    def in_folder(self) -> list[str]:
        return sorted(name for name in _files(self.folder) if name.endswith(".py") is self.is_python)

    def write(self) -> None:
        lines = "".join(f"  {name}\n" for name in self.in_folder())
        text = self.cmake_file.read_text(encoding="utf-8")
        text = self._pattern().sub(lambda _match: f"set({self.variable}\n{lines}  )", text)
        self.cmake_file.write_text(text, encoding="utf-8")

    def _pattern(self) -> re.Pattern[str]:
        return re.compile(rf"set\({self.variable}\n(.*?)\n?  \)", re.DOTALL)


FILE_LISTS = (
    FileList(REPOSITORY / "SAMSegment", "MODULE_PYTHON_SCRIPTS", is_python=True),
    FileList(REPOSITORY / "SAMSegment", "MODULE_PYTHON_RESOURCES", is_python=False),
    FileList(REPOSITORY / "SAMSegmentLib", "SAMSegmentLib_PYTHON_SCRIPTS", is_python=True),
    FileList(REPOSITORY / "SAMSegmentLib", "SAMSegmentLib_PYTHON_RESOURCES", is_python=False),
)


def _files(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts and path.name not in _NEVER_PACKAGED:
            yield path.relative_to(folder).as_posix()


if __name__ == "__main__":
    for file_list in FILE_LISTS:
        file_list.write()
