"""Points and fronts: what each soup's replies are worth on every value.

`measure` samples and scores replies (torch), `intervals` says how sure a mean is, `front` picks the
soups worth having, `comparison` and `chord` compare soups prompt by prompt. Importing the package
imports none of them, so that the screens can use all but `measure` without loading torch.
"""
