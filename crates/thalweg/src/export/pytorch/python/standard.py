def standard(mean, deviation):
    return lambda x: (x - mean) / deviation
