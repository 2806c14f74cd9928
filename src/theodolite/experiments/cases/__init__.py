"""One module, one claim: each holds a `CASE`."""
