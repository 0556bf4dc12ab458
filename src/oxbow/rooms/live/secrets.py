"""Which action a user needs on a hub to be told its keys: to read settings is not enough."""

PUBLISH_KEY = "GetHubPublishKey"
HUB_PLAY_KEYS = "SetHubPlay"
"""Keys of play addresses have no endpoint of their own: who may set them may know them."""
DOMAIN_PLAY_KEYS = "SetPlaySecurity"
"""The same for those of a domain."""
