class ScaledLinear(nn.Linear):
    """z = factor · x Wᵀ + b."""

    def __init__(self, inputs, units, factor, bias=True):
        super().__init__(inputs, units, bias=bias)
        self.factor = factor

    def forward(self, x):
        return F.linear(x, self.factor * self.weight, self.bias)
