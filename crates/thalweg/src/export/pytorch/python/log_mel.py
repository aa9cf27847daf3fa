class LogMel(nn.Module):
    """The logarithms of a sound's power in bands of the mel scale, or their cosine coefficients, frame by frame."""

    def __init__(self, rate, window, hop, bands, low, high, offset, coefficients=None):
        super().__init__()
        self.window, self.hop, self.offset = window, hop, offset
        bins = np.arange(math.floor(low * window / rate) + 1, min(math.ceil(high * window / rate), window // 2 + 1))
        turns = 2 * np.pi * (np.outer(bins, np.arange(window)) % window) / window
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
        mel = np.linspace(2595 * math.log10(1 + low / 700), 2595 * math.log10(1 + high / 700), bands + 2)
        corners = 700 * (10 ** (mel / 2595) - 1)
        left, middle, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
        hz = bins * rate / window
        triangles = np.minimum((hz - left) / (middle - left), (right - hz) / (right - middle)).clip(0)
        self.constant("waves", hann * np.concatenate([np.cos(turns), np.sin(turns)]))
        self.constant("triangles", triangles)
        rows, places = np.arange(coefficients or 0)[:, None], np.arange(bands) + 0.5
        cosines = np.cos(np.pi * rows * places / bands) * math.sqrt(2 / bands)
        cosines[:1] = math.sqrt(1 / bands)
        self.constant("cosines", cosines if coefficients else np.eye(bands))

    def constant(self, name, numbers):
        self.register_buffer(name, torch.tensor(numbers, dtype=DTYPE), persistent=False)

    def forward(self, x):
        real, imaginary = (x.unfold(1, self.window, self.hop) @ self.waves.T).chunk(2, dim=-1)
        power = (real**2 + imaginary**2) @ self.triangles.T
        return (torch.log(self.offset + power) @ self.cosines.T).unsqueeze(1)
