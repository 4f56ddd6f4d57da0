"""Programs with shardings, as the program that each of several devices runs."""
