def number(cell):
    """The number of a cell, None where it is missing."""
    cell = text(cell)
    if cell is None:
        return None
    if POINT == "," and "," in cell:
        cell = cell.replace(".", "").replace(",", ".")
    if "_" in cell or not math.isfinite(float(cell)):
        raise ValueError(f"found {cell!r}, expected a finite number")
    return float(cell)
