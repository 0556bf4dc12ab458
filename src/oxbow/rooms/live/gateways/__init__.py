"""Gateways: each owns the sockets of one protocol; its sessions own the policy."""
