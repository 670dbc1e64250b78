"""Pages: they render and route, and decide nothing."""
