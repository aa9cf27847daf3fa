class PiecewiseLinear(nn.Module):
    """The inputs, and then for each of these columns a piecewise-linear function of it, with a ReLU."""

    def __init__(self, dimension, columns):
        super().__init__()
        self.inputs = list(columns)
        self.columns = nn.ModuleList([nn.Linear(len(edges) - 1, dimension) for edges in columns.values()])
        for j, edges in enumerate(columns.values()):
            self.register_buffer(f"edges{j}", torch.tensor(edges, dtype=DTYPE), persistent=False)

    def forward(self, x):
        vectors = []
        for j, (i, column) in enumerate(zip(self.inputs, self.columns)):
            edges = getattr(self, f"edges{j}")
            bins = (x[:, i : i + 1] - edges[:-1]) / (edges[1:] - edges[:-1])
            vectors.append(F.relu(column(bins.clamp(0, 1))))
        return torch.cat([x, *vectors], dim=1)
