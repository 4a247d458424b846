"""State to the world: gated's own metrics, and the delivery of committed signals."""
