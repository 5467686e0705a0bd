"""Training on several machines: what workers share, and how their rows reach them."""
