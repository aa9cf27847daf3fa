class Positions(nn.Module):
    """x and sinusoids of the step, for a number of channels."""

    def __init__(self, channels):
        super().__init__()
        self.channels = channels

    def forward(self, x):
        j = torch.arange(self.channels, dtype=torch.float64, device=x.device)
        t = torch.arange(x.shape[1], dtype=torch.float64, device=x.device).unsqueeze(1)
        angles = t * 1e4 ** (-(j - j % 2) / self.channels)
        return x + torch.where(j % 2 == 0, angles.sin(), angles.cos()).to(x.dtype)
