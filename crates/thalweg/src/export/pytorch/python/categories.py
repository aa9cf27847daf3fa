def slots(cells, values, missing):
    """0 for an unseen category, i + 1 for values[i]; missing cells have the last slot where training rows lacked some."""
    slot = {value: i + 1 for i, value in enumerate(values)}
    slot[None] = len(values) + 1 if missing else 0

    def find(cell):
        cell = text(cell)
        # Whole numbers written with a zero after the point are those without.
        if cell not in slot and re.fullmatch("-*[0-9]*[.,]0", cell):
            cell = cell[:-2]
        return slot.get(cell, 0)

    return np.array([find(cell) for cell in cells], dtype=int)
