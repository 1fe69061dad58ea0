"""Training of a text encoder: the losses, the batches, the gradient cache and the loop around them."""
