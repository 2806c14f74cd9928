"""Random features: kernel machines of any size, and the ridge they really have."""
