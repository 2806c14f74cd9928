"""One file per figure: data in, a matplotlib `Figure` out; nothing is shown, saved or kept in a global state."""
