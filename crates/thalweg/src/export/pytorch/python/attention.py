class Attention(nn.Module):
    """Multi-head self-attention to the steps that count."""

    def __init__(self, channels, heads):
        super().__init__()
        self.shape = (3, heads, channels // heads)
        self.input = nn.Linear(channels, 3 * channels)
        self.output = nn.Linear(channels, channels)

    def forward(self, x, mask):
        q, k, v = self.input(x).unflatten(-1, self.shape).movedim(2, 0).transpose(2, 3)
        away = None if mask is None else (mask[:, None, None] - 1) * 1e9
        return self.output(F.scaled_dot_product_attention(q, k, v, attn_mask=away).transpose(1, 2).flatten(2))
