"""Certificates of domains: kept, watched, ordered from a certificate authority, and given to the workers."""
