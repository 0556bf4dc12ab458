"""What streams cost: traffic by account, hub, domain and area, streams by the minute, and who asks for it."""
