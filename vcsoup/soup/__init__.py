"""Soups: adapters of several values combined linearly, W0 + sum_k lambda_k s_k B_k A_k.

`weights` holds the lambdas (numpy only), `adapters` and `merge` the exact sums on tensors, `model`
the model that runs many soups in one batch, `sampling` its decoding loop. `export*` takes a soup
out (recipe, adapter, full model, texts); `honesty` says how exact each way is (numpy only).
Importing the package imports none of them, so that the screens can use the light ones alone.
"""
