def load(path=Path(__file__).with_suffix(".weights.safetensors")):
    """The trained network, ready to predict."""
    net = Net().to(DTYPE)
    net.load_state_dict(load_file(path))
    return net.eval()
