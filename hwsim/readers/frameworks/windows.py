"""Sliding windows: convolutions and pools in any number of directions, as the two that the operators have."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hwsim.core.errors import InvalidTrace
from hwsim.core.operators import conv_output
from hwsim.readers.frameworks.values import Builder, Value


@dataclass(frozen=True)
class Direction:
    """One direction of a sliding window: sizes of input, window and result, stride, dilation, zeros before and behind."""

    size: int
    window: int
    out: int
    stride: int
    dilation: int
    begin: int
    end: int

    @property
    def idle(self) -> bool:
        """Whether stride and dilation make no difference."""
        return self.size == self.window == self.out == 1 and not self.begin and not self.end

    @property
    def step(self) -> tuple[int, int]:
        """Stride, and dilation where the window has more than one position."""
        return self.stride, self.dilation if self.window > 1 else 0

    @property
    def covered(self) -> bool:
        """Whether the windows lie side by side and cover the input."""
        apart = self.dilation == 1 or self.window == 1
        return apart and not self.begin and not self.end and (self.stride == self.window or self.out == 1) and self.out * self.window == self.size

    @property
    def copied(self) -> int:
        """Rows that unfolding copies."""
        return 0 if self.covered else self.out * self.window

    @property
    def reach(self) -> int:
        """Zeros behind that let the last window end inside (rounded-up outputs)."""
        return max(0, (self.out - 1) * self.stride + self.window - self.size - self.begin)


def halves(pads: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
    """Begins and ends of pads."""
    return pads[: len(pads) // 2], pads[len(pads) // 2 :]


class Windows(Builder):
    """The methods of operators with sliding windows."""

    def conv(
        self, x: Value, weight: Value, shape: Sequence[int], *, strides: Sequence[int], pads: Sequence[int], dilations: Sequence[int], groups: int,
        bias: bool,
    ) -> Value:  # fmt: skip
        """A convolution over x (n, c, ...) with stored weights (k, c / groups, ...); `pads` are begins, then ends.

        A direction beyond two, or one whose stride or dilation is unlike the other's, is unfolded first (`unfolded`): multiply-accumulates and
        weights stay the same, the rows that its windows share are copied. Raises `InvalidTrace` for weights that are computed.
        """
        if not weight.constant:
            raise InvalidTrace(f"'{self.name}': a convolution whose weights are computed has no model")
        plan = [Direction(*d) for d in zip(x.shape[2:], weight.shape[2:], shape[2:], strides, dilations, *halves(pads), strict=True)]
        x, plan = self._two_alike(x, plan)
        h, w = plan if len(plan) == 2 else (Direction(1, 1, 1, plan[0].stride, plan[0].dilation, 0, 0), plan[0])
        lead, c = x.shape[0], x.shape[1]
        fields: dict[str, Any] = {
            "n": lead, "c": c, "h": h.size, "w": w.size, "k": weight.shape[0], "r": h.window, "s": w.window, "stride": w.stride,
            "dilation": w.dilation, "groups": groups,
        }  # fmt: skip
        pads = [h.begin, w.begin, h.end, w.end]
        padding = self._padding(fields, pads, (h.out, w.out))
        if padding is None:  # uneven in a way that no window form has: padded by a copy, as frameworks without it do
            x = self.pad(self.view(x, (lead, c, h.size, w.size)), pads)
            fields |= {"h": x.shape[2], "w": x.shape[3]}
            padding = self._padding(fields, [0] * 4, (h.out, w.out))
        if padding is None:  # a stride leaves out the end
            x, fields = self._cropped(x, fields, h, w)
        fields |= padding or {}
        return self._op("conv2d", shape, [x], bias=int(bias), label="conv", weight_dtype=weight.dtype, **fields)

    def _two_alike(self, x: Value, plan: list[Direction]) -> tuple[Value, list[Direction]]:
        """Unfold directions until one or two of the same stride and dilation are left: those first whose unfolding copies least."""
        plan = list(plan)
        while len(plan) > 2 or len({d.step for d in plan if not d.idle}) > 1:
            at = min(range(len(plan)), key=lambda i: plan[i].copied / plan[i].size)
            x = self.unfolded(x, plan, at)
            del plan[at]
        if len({d.step for d in plan}) > 1:  # one of them is idle: it takes any stride
            busy = next((d for d in plan if not d.idle), plan[0])
            plan = [replace(d, stride=busy.stride, dilation=busy.dilation) if d.idle else d for d in plan]
        return x, plan

    def unfolded(self, x: Value, plan: Sequence[Direction], at: int) -> Value:
        """x (n, c, ...) with the windows of one direction as channels and its results beside n: (n out, c window, the other directions)."""
        d = plan[at]
        n, c = x.shape[:2]
        rest = tuple(size for i, size in enumerate(x.shape[2:]) if i != at)
        shape = (n * d.out, c * d.window, *rest)
        return self.view(x, shape) if d.covered else self.gather(x, shape, "unfold", run=math.prod(x.shape[3 + at :]))

    def _cropped(self, x: Value, fields: Mapping[str, Any], h: Direction, w: Direction) -> tuple[Value, dict[str, Any]]:
        """The part of x that the windows reach."""
        size = [(d.out - 1) * d.stride + d.dilation * (d.window - 1) + 1 for d in (h, w)]
        made = self.gather(x, (fields["n"], fields["c"], *size), "slice", run=size[1])
        return made, {**fields, "h": size[0], "w": size[1]}

    def pool(
        self, x: Value, shape: Sequence[int], function: str, *, window: Sequence[int], strides: Sequence[int], pads: Sequence[int],
        dilations: Sequence[int],
    ) -> Value:  # fmt: skip
        """A pooling window over x (n, c, ...). Windows that lie beside each other are a reduction; other forms that differ by direction, or with
        dilation, are first copied out, window by window."""
        plan = [Direction(*d) for d in zip(x.shape[2:], window, shape[2:], strides, dilations, *halves(pads), strict=True)]
        odd = len(plan) > 2 or any(d.dilation > 1 and d.window > 1 for d in plan) or len({d.stride for d in plan if not d.idle}) > 1
        if odd:
            count = math.prod(window)
            apart = x if all(d.covered for d in plan) else self.gather(x, (math.prod(shape), count), "unfold")
            return self.mean(apart, count, shape, function=function)
        plan = [replace(d, stride=max(e.stride for e in plan if not e.idle or d is e)) if d.idle else d for d in plan]
        h, w = plan if len(plan) == 2 else (Direction(1, 1, 1, plan[0].stride, 1, 0, 0), plan[0])
        fields: dict[str, Any] = {"n": x.shape[0], "c": x.shape[1], "h": h.size, "w": w.size, "r": h.window, "s": w.window, "stride": w.stride}
        padding = self._padding(fields, [h.begin, w.begin, h.end, w.end], (h.out, w.out))
        if padding is None:
            x = self.pad(self.view(x, (*x.shape[:2], h.size, w.size)), [h.begin, w.begin, h.reach, w.reach])
            fields |= {"h": x.shape[2], "w": x.shape[3]}
        fields |= padding or {}
        return self._op("pool", shape, [x], function=function, label="pool", **fields)

    @staticmethod
    def _padding(fields: Mapping[str, int], pads: Sequence[int], out: tuple[int, int]) -> dict[str, int] | None:
        """The fields pad, same or flat that give this output; None when none does."""
        tried: list[dict[str, int]] = [{"pad": pad} for pad in sorted({*pads, sum(pads) // len(pads)})]
        if any(pads):
            tried.append({"same": 1, "pad": 0})
        if "k" in fields and fields["h"] == fields["r"] == 1 and fields["s"] > 1 and not pads[0] + pads[2]:
            tried = [{"pad": pad, "flat": 1} for pad in sorted({pads[1], pads[3], (pads[1] + pads[3]) // 2})]
        for form in tried:
            b = {**fields, **form}
            if (conv_output(b["h"], b["r"], b), conv_output(b["w"], b["s"], b)) == out:
                return form
        return None

    def transposed_conv(self, x: Value, weight: Value, shape: Sequence[int], *, groups: int) -> Value:
        """A transposed convolution: every input position's product with k r s weights, then the sum of what overlaps."""
        n, c, positions = x.shape[0], x.shape[1], math.prod(x.shape[2:])
        wide = math.prod(weight.shape[1:])  # k / groups x window
        spread = self._op(
            "matmul",
            (groups, n * positions, wide),
            [x],
            batch=groups,
            m=n * positions,
            k=c // groups,
            n=wide,
            label="conv",
            weight_dtype=weight.dtype,
        )
        added = self._op("elementwise", spread.shape, [spread], function="scale", rows=groups * n * positions, cols=wide, label="overlap_add")
        return self.gather(added, shape, "overlap_add")
