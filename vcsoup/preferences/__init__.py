"""Preference pairs: any supported file -> one canonical table (first step of the pipeline).

`pairs` defines the table and its parquet file, `files` turns a file into numbered rows, `formats`
a row into a pair, `readers` puts the three together with a report of every row that is not kept.
Importing the package imports none of them.
"""
