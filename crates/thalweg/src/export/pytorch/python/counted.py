def counted(x):
    """1 for the steps up to the last whose token or mask is at least ½, 0 for those after it."""
    steps = torch.arange(1, x.shape[1] + 1, device=x.device)
    return (steps <= ((x >= 0.5) * steps).amax(1, keepdim=True)).to(x.dtype)
