"""Measurements: scripts that print figures, and what short tests take from them."""
