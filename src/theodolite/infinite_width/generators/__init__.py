"""Networks that make images: kernels between positions, checkerboards and borders, and what to change."""
