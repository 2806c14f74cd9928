"""Which layer learns which frequency: spectra of the layers of an infinitely wide network, on the sphere and on data."""
