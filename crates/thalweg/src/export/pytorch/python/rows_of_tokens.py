def tokens(rows, length):
    """Tokens of texts: inputs, an array each."""
    return list(np.asarray(list(rows), dtype=float).reshape(len(rows), length).T)
