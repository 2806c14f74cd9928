"""Where windows fall: the sizes of outputs and the borders that padding adds, for every reading alike."""

from theodolite.numerics.errors import ShapeMismatch


def conv_border(size: int, window: int, stride: int, padding: str) -> tuple[int, int, int]:
    """(before, after, outputs) of a convolution along one axis of `size` positions.

    Output p reads the inputs p stride - before, ..., p stride - before + window - 1. "SAME" and "CIRCULAR" give
    ceil(size / stride) outputs, "VALID" those whose window lies inside.

    Raises: ShapeMismatch when the window or the stride is larger than the input.

    >>> conv_border(8, 3, 1, "SAME"), conv_border(8, 3, 2, "VALID")
    ((1, 1, 8), (0, 0, 3))
    """
    if stride > size or window > size:
        what = f"a window of {window}" if window > size else f"a stride of {stride}"
        raise ShapeMismatch(f"{what} is larger than the input's {size} positions; use a smaller one, or larger inputs")
    if padding == "VALID":
        return 0, 0, (size - window) // stride + 1
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + window - size, 0)
    return total // 2, total - total // 2, outputs


def transpose_border(window: int, stride: int) -> int:
    """pad: output p of a deconvolution hears the inputs q with 0 <= p + pad - stride q < window.

    >>> transpose_border(4, 2)
    1
    """
    return max(window - stride, 0) // 2
