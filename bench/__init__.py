"""Measurements. Each compares ways in one run, in turns: the ratios count, not the speed of the machine."""
