"""Whether an Arrow table may be read at all: a damaged one can end the process.

Arrow files are mapped, not decoded, so a broken offset points anywhere in memory. Texts that are no
UTF-8 are sound in this sense; they cost their row later on (`vcsoup.preferences.parquet_rows`).
"""

import pyarrow as pa


def checked(table: pa.Table) -> pa.Table:
    """The table, when every cell lies within its buffers.

    Raises:
        pa.ArrowInvalid: it does not.

    Example:
        >>> checked(pa.table({"chosen": ["Yes."]})).num_rows
        1
    """
    table.validate()
    for column in table.columns:
        for chunk in column.chunks:
            _as_bytes(chunk).validate(full=True)
    return table


def _as_bytes(array: pa.Array) -> pa.Array:
    """The same array with bytes instead of texts, so that no UTF-8 is asked for."""
    try:
        return array.view(_bytes_type(array.type))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return array


def _bytes_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_string(kind):
        return pa.binary()
    if pa.types.is_large_string(kind):
        return pa.large_binary()
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_bytes_type(kind.value_type)))
    if pa.types.is_large_list(kind):
        return pa.large_list(kind.value_field.with_type(_bytes_type(kind.value_type)))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_bytes_type(field.type)) for field in kind])
    return kind
