def recurrent(net, x, mask, every):
    """All states of a recurrent layer, or its last; steps that do not count leave it as it is."""
    if mask is None or len(x) == 0:
        y, last = net(x)
    else:
        lengths = mask.sum(1).long().clamp(min=1).cpu()
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        y, last = net(packed)
        y = nn.utils.rnn.pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])[0]
    if every:
        return y
    last = (last[0] if isinstance(last, tuple) else last).movedim(0, 1).flatten(1)
    return last if mask is None else torch.where(mask[:, :1] > 0, last, 0)
