"""The kernel: what every room needs and no room owns.  It knows no product."""
