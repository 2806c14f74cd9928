"""Which layer learns which frequency: spectra of the layers of an infinitely wide network, on spheres and on data."""
