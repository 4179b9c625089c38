"""Preference pairs: any supported file -> one canonical table (first step of the pipeline).

`pairs` defines the table and its parquet file. `files` turns a file into numbered rows, `detection`
tells their format, `formats`, `labelled` and `rated` turn a row into a pair, and `column_map` does
so by columns that a person names. `readers` puts these together, with a report of every row that is
not kept. `look` looks at a file's beginning. Importing the package imports none of them.
"""
