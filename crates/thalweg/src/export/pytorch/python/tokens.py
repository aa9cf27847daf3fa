class Tokens(nn.Embedding):
    """The vector of each token; 0 for token 0 and for numbers that are no token."""

    def forward(self, x):
        x = (x + 0.5).floor()
        known = (x > 0) & (x < self.num_embeddings)
        return super().forward(torch.where(known, x, 0).long()) * known.unsqueeze(-1)
