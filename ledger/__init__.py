"""State: events admitted by policy, put in order, made durable and published as a tree. One writer per log."""
