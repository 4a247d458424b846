"""The process: settings, clock, ticks, delivery, start and stop. Builds everything and wires it together."""
