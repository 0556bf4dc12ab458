"""Downloads: which object an address means, who may have it, and which of its bytes are asked for."""
