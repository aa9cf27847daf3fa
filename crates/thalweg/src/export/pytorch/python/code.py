def code(cells, values, missing=False):
    """The number of each cell's category, which the network looks up."""
    yield slots(cells, values, missing).astype(float)
