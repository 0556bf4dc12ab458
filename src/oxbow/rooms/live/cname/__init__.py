"""Where a bound domain's DNS record leads, against where it should lead."""
