"""Small HTTP servers on the standard library: what a witness and a timestamp authority have in common."""
