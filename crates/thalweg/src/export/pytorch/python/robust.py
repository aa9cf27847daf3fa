def robust(median, spread):
    def scale(x):
        r = (x - median) / spread
        return r / np.sqrt(1 + (r / 3) ** 2)

    return scale
