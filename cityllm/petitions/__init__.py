"""Petitions: read, masked, classified, grouped, dated by the legal clock, routed or kept back."""
