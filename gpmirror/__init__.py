"""gpmirror: plan and apply for Greenplum segment mirrors."""

__version__ = "0.1.0"
