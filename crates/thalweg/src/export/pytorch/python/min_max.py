def min_max(low, high):
    return lambda x: (x - low) / (high - low if high > low else 1)
