"""Object storage: buckets, objects, uploads and downloads, in the dialect of the official SDKs."""
