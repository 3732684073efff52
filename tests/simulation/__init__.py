"""Whole workers in one thread, by a clock and a chance of their own: every await is a choice, every run can be repeated."""
