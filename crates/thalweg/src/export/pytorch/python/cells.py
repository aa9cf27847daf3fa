def text(cell):
    """A cell's text without the blanks around it; None where it is missing."""
    if cell is None or (not isinstance(cell, str) and str(cell) in ("nan", "NaT", "<NA>")):
        return None
    cell = str(cell).strip()
    return None if cell == "" or cell.lower() in MISSING else cell


def is_missing(cells):
    return np.array([text(cell) is None for cell in cells], dtype=float)
