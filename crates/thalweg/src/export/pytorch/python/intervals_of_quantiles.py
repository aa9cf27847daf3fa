def intervals(outputs):
    """The low and the high ends of each row's intervals WHAT."""
    quantiles = answers(outputs)
    margin = torch.tensor(MARGINS, dtype=torch.float64)
    low, high = quantiles[:, :1] - margin, quantiles[:, -1:] + margin
    # Where a negative margin turns the ends around, both are their middle.
    middle = (low + high) / 2
    return torch.minimum(low, middle), torch.maximum(high, middle)
