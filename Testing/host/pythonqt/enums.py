"""Enum values: numbers in PythonQt, types of their own in PySide6."""

import enum
from typing import Any


class EnumValue(int):
    """A number that remembers the PySide6 value it stands for."""

    native: Any

    def __new__(cls, native: Any) -> "EnumValue":
        value = super().__new__(cls, native if isinstance(native, int) else native.value)
        value.native = native
        return value

    def __repr__(self) -> str:
        return f"{getattr(self.native, 'name', '')} (0x{int(self):x})"

    def __or__(self, other: int) -> int:
        if (
            isinstance(other, EnumValue)
            and type(other.native) is type(self.native)
            and isinstance(self.native, enum.Flag)
        ):
            return EnumValue(self.native | other.native)
        return int(self) | int(other)

    def __and__(self, other: int) -> int:
        return int(self) & int(other)

    __ror__ = __or__
    __rand__ = __and__


def is_enum(value: object) -> bool:
    return isinstance(value, enum.Enum)


def converted(native_class: Any, type_name: str, number: int) -> Any:
    """The PySide6 value for a number given as ``type_name``, such as Qt::Alignment; the number itself when unknown."""
    for name in (type_name.rpartition("::")[2], f"{type_name.rpartition('::')[2]}Flag"):
        kind = getattr(native_class, name, None)
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            return kind(number)
    return number
