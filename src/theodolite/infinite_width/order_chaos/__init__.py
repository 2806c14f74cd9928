"""What depth does to the kernels of a network: order, chaos, or the edge between them."""
