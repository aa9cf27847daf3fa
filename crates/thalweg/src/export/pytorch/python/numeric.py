def numeric(cells, scale, fill, missing=False, edges=(), sentinels=(), lenient=False):
    """The scaled number, 1 where it is missing, and how far it reaches into each bin."""
    numbers = [number(cell, lenient) for cell in cells]
    numbers = [None if value in sentinels else value for value in numbers]
    x = np.array([fill if value is None else value for value in numbers], dtype=float)
    yield scale(x)
    if missing:
        yield np.array([value is None for value in numbers], dtype=float)
    for low, high in zip(edges, edges[1:]):
        yield np.clip((x - low) / (high - low), 0, 1)
