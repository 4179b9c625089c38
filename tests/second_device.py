"""A second device without one: a tensor that says it lies elsewhere and computes on the CPU.

PyTorch lets a backend be made in Python. Ours keeps a plain tensor inside, does the arithmetic
there, and refuses what a GPU refuses: an operation whose tensors lie in two places, or a numpy
array of a tensor that is elsewhere. So what is placed wrongly shows on a machine without a GPU.
Numbers are the CPU's own; nothing is said about a GPU's speed, memory or rounding.
"""

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

NAME = "elsewhere"
_aten = torch.ops.aten
_ACROSS = {  # what may have tensors in two places: copies, and a place told by the CPU
    _aten._to_copy.default,
    _aten.copy_.default,
    _aten._has_compatible_shallow_copy_type.default,
    _aten.index.Tensor,
    _aten.index_put_.default,
}


class TwoPlacesError(RuntimeError):
    """An operation met tensors of two devices."""


@contextmanager
def second_device() -> Iterator[str]:
    """Make the device's name usable in this block; gives the name."""
    _device()
    before = torch.__future__.get_overwrite_module_params_on_conversion()
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    try:
        with _Operations(), _Makers():
            yield NAME
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(before)


@functools.cache
def _device() -> torch.device:
    """The device; from now on this process has it."""
    _setup_privateuseone_for_python_backend(NAME)
    return torch.device(f"{NAME}:0")


class _Elsewhere(torch.Tensor):
    """A tensor that says it lies on the second device."""

    inner: torch.Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> "_Elsewhere":
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            inner.shape,
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=_device(),
        )
        made.inner = inner
        return made

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        return _run(operation, args, kwargs or {})


class _Operations(TorchDispatchMode):
    """Makes new tensors and copies land where they were asked for."""

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        return _run(operation, args, kwargs or {})


class _Makers(TorchFunctionMode):
    """Calls with Python lists go past a backend of Python: here they become calls with tensors."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if function in (torch.tensor, torch.as_tensor) and _is_second(kwargs.get("device")):
            return function(*args, **{**kwargs, "device": "cpu"}).to(_device())
        if function is torch.Tensor.tolist:
            return _inner(args[0]).tolist()
        if function in (torch.Tensor.__getitem__, torch.Tensor.__setitem__):
            args = (args[0], _without_lists(args[1]), *args[2:])
        return function(*args, **kwargs)


def _run(operation: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    given = tree_leaves((args, kwargs))
    elsewhere = any(isinstance(leaf, _Elsewhere) for leaf in given)
    here = any(_is_plain(leaf) and leaf.ndim for leaf in given)
    if elsewhere and here and operation not in _ACROSS:
        raise TwoPlacesError(f"{operation} met tensors on the CPU and on the second device")
    made = operation(*tree_map(_inner, args), **tree_map(_inner, dict(kwargs)))
    if operation._schema.is_mutable:  # its result is what it was given
        return args[0]
    asked = [leaf for leaf in given if isinstance(leaf, torch.device)]
    lands = _is_second(asked[0]) if asked else elsewhere
    return tree_map(_outer, made) if lands else made


def _without_lists(index: Any) -> Any:
    parts = index if isinstance(index, tuple) else (index,)
    told = tuple(torch.tensor(part) if isinstance(part, list) else part for part in parts)
    return told if isinstance(index, tuple) else told[0]


def _is_second(device: torch.device | str | None) -> bool:
    return device is not None and torch.device(device).type == NAME


def _is_plain(given: Any) -> bool:
    return isinstance(given, torch.Tensor) and not isinstance(given, _Elsewhere)


def _inner(given: Any) -> Any:
    if isinstance(given, torch.device):
        return torch.device("cpu")
    return given.inner if isinstance(given, _Elsewhere) else given


def _outer(made: Any) -> Any:
    with torch.inference_mode(False):
        return _Elsewhere(made) if _is_plain(made) else made
