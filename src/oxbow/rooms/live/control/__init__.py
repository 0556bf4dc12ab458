"""How the control process and the media workers talk: messages over a Unix socket, control's side, a
worker's side."""
