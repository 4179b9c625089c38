"""The Hugging Face hub as a source: ids of data sets, their rows, and refusals in words.

`addresses` takes the id out of a page's address, `dataset_id` names a data set, `refusals` says in
one sentence why the hub gave nothing and what to do, `finding` tells where a data set can be read
and what it holds, `fetching` brings its rows here. Torch-free; `datasets` and `huggingface_hub` are
imported only when something is asked of the hub.
"""
