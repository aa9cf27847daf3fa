WORDS = {"false": 0, "true": 1, "no": 0, "yes": 1, "f": 0, "t": 1, "n": 0, "y": 1, "off": 0, "on": 1}


def boolean(cells, fill, missing=False):
    """0 or 1 (the share of ones where it is missing), then 1 where it is missing."""
    words = [text(cell) for cell in cells]
    numbers = [WORDS[word.lower()] if word and word.lower() in WORDS else number(word) for word in words]
    yield np.array([fill if value is None else value for value in numbers], dtype=float)
    if missing:
        yield is_missing(cells)
