def answers(logits):
    """The likelier class of each row, and the probability of each class."""
    p = torch.sigmoid(logits[:, 0])
    return [CLASSES[int(x >= 0.5)] for x in p], torch.stack([1 - p, p], dim=1)
