"""Attention with SAM's decomposed relative positions, without a matrix of tokens x tokens in memory.

To the score of the query at (row, column) and a key, SAM's image encoder adds ``query . R_h[row, key row]`` and
``query . R_w[column, key column]`` (Li et al., MViTv2, 2022, section 4.1; ``add_decomposed_rel_pos`` of
facebookresearch/segment-anything). The stock code writes the scores of all heads to memory and goes over them several
times, 0.8 GB each time in a global block of ViT-B. The terms come at less cost in two ways:

- added: written to where the scores of a block of queries will be, and the product of queries and keys added to them;
- folded into the product, with one-hot vectors of the key's place: ``[q, q . R_h, q . R_w] . [k, onehot(key row),
  onehot(key column)]`` is the whole score. Up to three times the arithmetic of that product, but no pass over scores.

Graphics processors fold, and one fused kernel does the rest. CPUs make the scores of some hundred queries at a time, so
that they stay in the cache; they add in float32 and fold in bfloat16, where products are cheap and rounding a score
once is better than twice. (With fused kernels on a CPU, folding in float32 takes twice as long as adding.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own convention
from torch import Tensor

# Scores computed at a time. Two buffers of them fit into the second and third level of cache.
_SCORES_AT_ONCE = 1 << 20

# Writes the scores (n, queries, keys) of a block of queries.
_WriteScores = Callable[[slice, Tensor], None]


class RelativePositions(NamedTuple):
    """What queries in a square of ``side`` x ``side`` tokens are multiplied with to give the position terms."""

    rows: Tensor  # (side, side, d): query row, key row, channel
    columns: Tensor  # (side, side, d): query column, key column, channel

    @property
    def side(self) -> int:
        """Tokens along the square's side."""
        return self.rows.shape[0]

    def terms(self, queries: Tensor) -> tuple[Tensor, Tensor]:
        """The terms of each query for the key's row and for the key's column.

        :param queries: (n, side * side, d).
        :returns: (n, side * side, side) twice.
        """
        placed = torch.unflatten(queries, 1, (self.side, self.side))
        by_row = torch.einsum("nrcd,rkd->nrck", placed, self.rows)
        by_column = torch.einsum("nrcd,ckd->nrck", placed, self.columns)
        return by_row.flatten(1, 2), by_column.flatten(1, 2)


def relative_positions(rows: Tensor, columns: Tensor, side: int) -> RelativePositions:
    """The tables of an attention module for a square of ``side`` x ``side`` tokens.

    :param rows: (length, d) parameter ``rel_pos_h``. Where ``length`` is not ``2 * side - 1`` (the checkpoint is of
        another picture size) it is interpolated, as the stock module does.
    :param columns: (length, d) parameter ``rel_pos_w``.
    """
    places = torch.arange(side, device=rows.device)
    offsets = places[:, None] - places[None, :] + side - 1
    return RelativePositions(*(_resized(table, 2 * side - 1)[offsets] for table in (rows, columns)))


def attend_in_blocks(q: Tensor, k: Tensor, v: Tensor, positions: RelativePositions) -> Tensor:
    """Attention of n heads, some queries at a time: for CPUs.

    :param q: (n, side * side, d), as are ``k`` and ``v``; any strides.
    :returns: (n, side * side, d).
    """
    heads, tokens, width = q.shape
    heads_at_once = max(1, min(heads, _SCORES_AT_ONCE // tokens**2))
    queries_at_once = max(1, min(tokens, _SCORES_AT_ONCE // tokens))
    # Filled again and again: memory that was not used before costs more than computing what goes into it.
    buffers = q.new_empty(2, heads_at_once, queries_at_once, tokens)
    attended = q.new_empty(heads, tokens, width)
    scores_of = _added_scores if q.dtype == torch.float32 else _folded_scores
    for head in range(0, heads, heads_at_once):
        some = slice(head, min(head + heads_at_once, heads))
        write_scores = scores_of(q[some], k[some], positions)
        for query in range(0, tokens, queries_at_once):
            block = slice(query, min(query + queries_at_once, tokens))
            scores, weights = buffers[:, : some.stop - some.start, : block.stop - block.start]
            write_scores(block, scores)
            torch.softmax(scores, -1, out=weights)
            torch.bmm(weights, v[some], out=attended[some, block])
    return attended


def attend_folded(q: Tensor, k: Tensor, v: Tensor, positions: RelativePositions) -> Tensor:
    """Attention of n heads by one fused kernel: for graphics processors; shapes as of :func:`attend_in_blocks`."""
    queries, keys = _folded(q, k, positions)
    # Fused kernels take values that are as wide as keys.
    values = F.pad(v, (0, 2 * positions.side))
    attended = F.scaled_dot_product_attention(queries[None], keys[None], values[None], scale=1.0)
    return attended[0, ..., : q.shape[2]]


def _added_scores(q: Tensor, k: Tensor, positions: RelativePositions) -> _WriteScores:
    by_row, by_column = positions.terms(q)
    keys = k.transpose(1, 2)

    def write(block: slice, scores: Tensor) -> None:
        by_place = torch.unflatten(scores, 2, (positions.side, positions.side))
        torch.add(by_row[:, block, :, None], by_column[:, block, None, :], out=by_place)
        scores.baddbmm_(q[:, block], keys, alpha=q.shape[2] ** -0.5)

    return write


def _folded_scores(q: Tensor, k: Tensor, positions: RelativePositions) -> _WriteScores:
    queries, keys = _folded(q, k, positions)

    def write(block: slice, scores: Tensor) -> None:
        torch.bmm(queries[:, block], keys.transpose(1, 2), out=scores)

    return write


def _folded(q: Tensor, k: Tensor, positions: RelativePositions) -> tuple[Tensor, Tensor]:
    """Queries and keys (n, side * side, d + 2 * side) whose product is the whole score."""
    side = positions.side
    onehot = torch.eye(side, dtype=q.dtype, device=q.device)
    places = torch.cat([onehot.repeat_interleave(side, 0), onehot.repeat(side, 1)], dim=1)
    queries = torch.cat([q * q.shape[2] ** -0.5, *positions.terms(q)], dim=2)
    keys = torch.cat([k, places.expand(len(k), -1, -1)], dim=2)
    return queries, keys


def _resized(table: Tensor, length: int) -> Tensor:
    if table.shape[0] == length:
        return table
    return F.interpolate(table.T[None], size=length, mode="linear")[0].T
