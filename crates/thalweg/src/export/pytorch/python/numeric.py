def numeric(cells, scale, fill, missing=False, edges=()):
    """The scaled number, 1 where it is missing, and how far it reaches into each bin."""
    numbers = [number(cell) for cell in cells]
    x = np.array([fill if value is None else value for value in numbers], dtype=float)
    yield scale(x)
    if missing:
        yield is_missing(cells)
    for low, high in zip(edges, edges[1:]):
        yield np.clip((x - low) / (high - low), 0, 1)
