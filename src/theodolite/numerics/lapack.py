"""LAPACK in place and without the interpreter lock, so that matrices in several threads are factorised side by side.

SciPy's Python functions for LAPACK hold the lock; the C functions that `scipy.linalg.cython_lapack` exports do not,
when they are called through ctypes. All work on matrices in Fortran order and overwrite what they are given; the factor
of Cholesky and its inverse may be in single precision.
"""

import ctypes
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

BLOCK = 32  # columns at a time, for the size of work arrays; what LAPACK's ilaenv answers for these routines


def cholesky(matrix: np.ndarray) -> int:
    """Overwrite the lower triangle of M (n, n) by L, M = L L'; returns 0, or the first minor that is not positive."""
    n = _order(matrix)
    return _call(_letter(matrix) + "potrf", b"L", n, matrix, n)


def inverse_of_lower(matrix: np.ndarray) -> int:
    """Overwrite a lower triangle L by that of L^-1; returns 0, or the place of a zero on the diagonal."""
    n = _order(matrix)
    return _call(_letter(matrix) + "trtri", b"L", b"N", n, matrix, n)


def tridiagonal(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Overwrite a symmetric A (n, n) by an orthogonal Q with A = Q T Q'; returns the diagonal (n,) of T and what stands
    beside it (n - 1,).

    Cost: (8/3) n^3 operations, half of them at the speed of memory.
    """
    n = _order(matrix)
    assert matrix.dtype == np.float64, f"expected float64, got {matrix.dtype}"
    diagonal, beside, scales = np.empty(n), np.empty(max(n - 1, 1)), np.empty(max(n - 1, 1))
    work = np.empty(BLOCK * n)
    info = _call("dsytrd", b"L", n, matrix, n, diagonal, beside, scales, work, work.size)
    assert info == 0, f"dsytrd refused its argument {-info}"
    info = _call("dorgtr", b"L", n, matrix, n, scales, work, work.size)
    assert info == 0, f"dorgtr refused its argument {-info}"
    return diagonal, beside[: n - 1]


def lower_times(lower: np.ndarray, columns: np.ndarray, *, transpose: bool = False) -> np.ndarray:
    """Overwrite columns (n, k), in Fortran order, by L columns or L' columns, L the lower triangle; returns them."""
    n = _order(lower)
    assert len(columns) == n, f"expected ({n}, k), got {columns.shape}"
    assert columns.dtype == lower.dtype, f"expected {lower.dtype}, got {columns.dtype}"
    _check_layout(columns)
    side, one = b"T" if transpose else b"N", np.ones(1, lower.dtype)
    _call(_letter(lower) + "trmm", b"L", b"L", side, b"N", n, columns.shape[1], one, lower, n, columns, n, blas=True)
    return columns


def _order(matrix: np.ndarray) -> int:
    assert matrix.shape == (len(matrix), len(matrix)), f"expected (n, n), got {matrix.shape}"
    _check_layout(matrix)
    return len(matrix)


def _letter(matrix: np.ndarray) -> str:
    """With which LAPACK's names begin, by precision."""
    return {"float64": "d", "float32": "s"}[matrix.dtype.name]


def _check_layout(matrix: np.ndarray) -> None:
    assert matrix.dtype.name in ("float64", "float32"), f"expected float64 or float32, got {matrix.dtype}"
    assert matrix.flags.f_contiguous, "expected Fortran order"
    assert matrix.flags.writeable, "expected a matrix that may be overwritten"


def _call(name: str, *arguments: Any, blas: bool = False) -> int:
    """Fortran receives everything by reference; LAPACK's last argument is the result code, which BLAS does not have."""
    info = ctypes.c_int(0)
    references = [_reference(one) for one in arguments]
    _function(name, blas)(*references, *([] if blas else [ctypes.byref(info)]))
    return info.value


def _reference(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return ctypes.c_void_p(value.ctypes.data)
    if isinstance(value, bytes):
        return ctypes.c_char_p(value)
    return ctypes.byref(ctypes.c_double(value) if isinstance(value, float) else ctypes.c_int(value))


@cache
def _function(name: str, blas: bool) -> Any:
    """The C function behind a name, without a declared signature."""
    capsule = import_module(f"scipy.linalg.cython_{'blas' if blas else 'lapack'}").__pyx_capi__[name]
    of_name, of_pointer = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_GetPointer
    of_name.restype, of_name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    of_pointer.restype, of_pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return ctypes.CFUNCTYPE(None)(of_pointer(capsule, of_name(capsule)))
