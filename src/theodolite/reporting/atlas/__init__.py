"""The atlas of a run of experiments: pages about papers, people and topics, made of stored results."""

from theodolite.reporting.atlas.site import atlas_pages, write_atlas

__all__ = ["atlas_pages", "write_atlas"]
