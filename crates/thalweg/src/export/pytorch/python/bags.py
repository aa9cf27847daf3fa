def bags(rows, slots):
    """Codes of what is in texts, and their weights: inputs, an array each."""
    x = np.asarray(list(rows), dtype=float).reshape(len(rows), 2 * slots)
    return list(x.T)
