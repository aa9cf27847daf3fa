def number(cell, lenient=False):
    """The number of a cell, None where it is missing or, if that is allowed, no number."""
    cell = text(cell)
    if cell is None:
        return None
    if POINT == "," and "," in cell:
        cell = cell.replace(".", "").replace(",", ".")
    try:
        value = float("x" if "_" in cell else cell)
    except ValueError:
        if lenient:
            return None
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"found {cell!r}, expected a finite number")
    return value
