"""Live streaming: hubs, domains and streams; who may publish and watch; what is live and what was."""
