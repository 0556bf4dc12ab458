"""Managing buckets and objects: the services that clients know as rs, rsf and uc."""
