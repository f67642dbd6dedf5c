"""Scorers: one file a formula. Each takes what should have been and a record of what was, and knows no voice."""
