def one_hot(cells, values, rare=False, missing=False):
    """A column of 0 and 1 a category; unseen ones share a column with rare ones where there were any."""
    found = slots(cells, values, missing)
    for slot in range(0 if rare else 1, len(values) + 1 + missing):
        yield (found == slot).astype(float)
