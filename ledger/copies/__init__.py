"""Copies of a log that somebody else keeps: followed, verified, watched, served on."""
