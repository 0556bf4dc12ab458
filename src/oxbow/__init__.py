"""Oxbow: a self-hosted media cloud that speaks the documented HTTP dialect of Qiniu Cloud."""

__version__ = "0.1.0"
