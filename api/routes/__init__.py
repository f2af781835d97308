"""HTTP: one module per resource; schemas stay here."""
