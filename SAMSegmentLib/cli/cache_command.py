"""``samsegment cache``: what is kept on disk, and its removal."""

from __future__ import annotations

from ..embeddings import BUDGET_VARIABLE, DiskStore, default_budget, default_folder
from .report import print_json, print_line, print_notes, size_text, table


def run_cache_show(*, as_json: bool) -> None:
    """Print the cache's folder, its entries by model, and its budget.

    :raises InputError: the folder cannot be read, or the budget in the environment is no number.
    """
    budget = default_budget()
    store = _store(budget)
    usage = store.usage()
    if as_json:
        by_model = {model: {"entries": count, "bytes": size} for model, (count, size) in usage.by_model.items()}
        print_json(
            {
                "folder": str(store.folder),
                "entries": usage.entries,
                "bytes": usage.bytes,
                "budget_bytes": budget,
                "models": by_model,
            }
        )
        return
    rows = [["folder", str(store.folder)], ["used", f"{size_text(usage.bytes)} in {_embeddings(usage.entries)}"]]
    rows += [["", f"{model}: {size_text(size)} in {count}"] for model, (count, size) in usage.by_model.items()]
    off = f"0: the cache on disk is off ({BUDGET_VARIABLE})"
    rows.append(
        ["budget", f"{size_text(budget)} (set {BUDGET_VARIABLE} to another number of bytes)" if budget else off]
    )
    for line in table(rows):
        print_line(line)


def run_cache_clear(model: str | None) -> None:
    """Remove the embeddings of one model, or all, and say what went.

    :raises InputError: the cache cannot be read.
    :raises OutputError: a file cannot be removed.
    """
    store = _store(default_budget())
    removed = store.clear(model)
    whose = f" of {model}" if model else ""
    print_line(f"Removed {_embeddings(removed.entries)}{whose} ({size_text(removed.bytes)}) from {store.folder}")


def _store(budget: int) -> DiskStore:
    return DiskStore(default_folder(), budget, lambda sentence: print_notes([sentence]))


def _embeddings(count: int) -> str:
    return f"{count} embedding{'' if count == 1 else 's'}"
