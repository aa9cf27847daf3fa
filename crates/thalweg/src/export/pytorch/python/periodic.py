class Periodic(nn.Module):
    """The inputs, and then for each of these columns ReLU(W [cos v, sin v] + b) with v = 2π c x."""

    def __init__(self, dimension, frequencies, inputs):
        super().__init__()
        self.inputs = inputs
        self.frequencies = nn.Parameter(torch.empty(len(inputs), frequencies))
        self.weight = nn.Parameter(torch.empty(len(inputs), dimension, 2 * frequencies))
        self.bias = nn.Parameter(torch.empty(len(inputs), dimension))

    def forward(self, x):
        turns = x[:, self.inputs].unsqueeze(-1) * self.frequencies
        angles = 2 * math.pi * (turns - turns.round())
        waves = torch.cat([angles.cos(), angles.sin()], dim=-1)
        vectors = F.relu(torch.einsum("ijk,jdk->ijd", waves, self.weight) + self.bias)
        return torch.cat([x, vectors.flatten(1)], dim=1)
