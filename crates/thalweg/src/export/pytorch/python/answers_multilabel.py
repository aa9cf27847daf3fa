def answers(logits):
    """The likely labels of each row, and the probability of each label."""
    probabilities = torch.sigmoid(logits)
    return [[label for label, p in zip(CLASSES, row) if p >= 0.5] for row in probabilities], probabilities
