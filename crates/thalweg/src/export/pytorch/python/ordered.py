def ordered(cells, levels, fill, missing=False):
    """For each level but the last 1 where the cell's is above it; the training rows' means where it is none of them."""
    rank = {level.lower(): i for i, level in enumerate(levels)}

    def find(cell):
        cell = (text(cell) or "").lower()
        # Whole numbers written with a zero after the point are those without.
        if cell not in rank and re.fullmatch("-*[0-9]*[.,]0", cell):
            cell = cell[:-2]
        return rank.get(cell)

    found = [find(cell) for cell in cells]
    for step, share in enumerate(fill):
        yield np.array([share if i is None else i > step for i in found], dtype=float)
    if missing:
        yield is_missing(cells)
