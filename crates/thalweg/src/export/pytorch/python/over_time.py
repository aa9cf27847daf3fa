def mean_over_time(x, mask):
    """The mean of the steps that count, 0 without any."""
    return x.mean(1) if mask is None else x.sum(1) / mask.sum(1, keepdim=True).clamp(min=1)


def maximum_over_time(x, mask):
    """The largest of each channel at the steps that count, 0 without any."""
    if mask is None:
        return x.amax(1)
    largest = torch.where(mask.unsqueeze(-1) > 0, x, -torch.inf).amax(1)
    return torch.where(mask[:, :1] > 0, largest, 0)


def attention_over_time(x, score, mask):
    """The mean of the steps that count, weighted by the softmax of their scores."""
    score = score if mask is None else score + (mask - 1) * 1e9
    return (torch.softmax(score, 1).unsqueeze(-1) * x).sum(1)
