"""Software prefetch: rows in random order defeat the hardware prefetcher, so memory is requested ahead of use."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core.cgutils import get_item_pointer
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

LINE = 64
"""Bytes in a cache line."""


@intrinsic
def prefetch(typing_context: Any, array: types.Array, index: types.Integer) -> Any:
    """Start loading the cache line of `array[index]`, array: [N], without waiting; in compiled code only.

    An index out of bounds is harmless: prefetch instructions never fault.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        whole, place = make_array(kind)(context, builder, arguments[0]), arguments[1]
        item = get_item_pointer(context, builder, kind, whole, [place], wraparound=False)
        here = builder.bitcast(item, ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        signed = ir.FunctionType(ir.VoidType(), [here.type, number, number, number])
        load = builder.module.declare_intrinsic("llvm.prefetch", [here.type], signed)
        builder.call(load, [here, number(0), number(3), number(1)])  # to read, keep it near, data
        return context.get_dummy_value()

    return types.void(array, types.intp), generate
