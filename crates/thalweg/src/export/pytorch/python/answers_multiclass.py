def answers(logits):
    """The likeliest class of each row, and the probability of each class."""
    probabilities = torch.softmax(logits, 1)
    return [CLASSES[i] for i in probabilities.argmax(1)], probabilities
