def category(cell):
    """A cell's text; whole numbers written with a zero after the point are those without."""
    cell = text(cell)
    if cell is not None and cell.endswith(POINT + "0") and re.fullmatch("-*[0-9]*", cell[:-2]):
        return cell[:-2]
    return cell


def slots(cells, values, missing):
    """0 for an unseen category, i + 1 for values[i]; missing cells have the last slot where training rows lacked some."""
    slot = {value: i + 1 for i, value in enumerate(values)}
    slot[None] = len(values) + 1 if missing else 0
    return np.array([slot.get(category(cell), 0) for cell in cells], dtype=int)
