"""One module per screen. Each view parses, calls one service or selector, and renders."""
