"""HTTP service, worker and wiring."""
