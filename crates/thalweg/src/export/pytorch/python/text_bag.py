class TextBag(nn.Module):
    """What comes after the bags, each of codes and then their weights; and for each bag the sum of its codes' vectors."""

    def __init__(self, dimension, columns):
        super().__init__()
        self.slots = [slots for slots, _ in columns]
        self.columns = nn.ModuleList(nn.EmbeddingBag(features, dimension, mode="sum") for _, features in columns)

    def forward(self, x):
        vectors = []
        for slots, column in zip(self.slots, self.columns, strict=True):
            codes, weights, x = x[:, :slots].round().long(), x[:, slots : 2 * slots], x[:, 2 * slots :]
            vectors.append(column(codes, per_sample_weights=weights))
        return torch.cat([x, *vectors], dim=1)
