"""Python classes derived from Qt's: their methods take the place of Qt's virtual ones."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from Testing.host.pythonqt.binding import Binding
    from Testing.host.pythonqt.objects import PythonQtObject


def shell_of(binding: "Binding", wrapper: "PythonQtObject", native_class: type) -> type:
    """A PySide6 class whose virtual methods call those that the wrapper's Python class defines."""
    own = {}
    for kind in type(wrapper).__mro__:
        if "_is_wrapper" in vars(kind):
            break
        for name, value in vars(kind).items():
            if callable(value) and not name.startswith("_") and hasattr(native_class, name):
                own.setdefault(name, _override(binding, name))
    return type(native_class.__name__, (native_class,), own)


def _override(binding: "Binding", name: str) -> Any:
    def override(native: Any, *arguments: Any) -> Any:
        try:
            return binding.unwrap(getattr(native._python, name)(*[binding.wrap(each) for each in arguments]))
        except Exception as error:  # noqa: BLE001 - PythonQt prints what an event handler raises and goes on
            binding.problems.add_exception(name, error)
            return None

    return override
