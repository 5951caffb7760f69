"""Recipes: functions that return a whole run as one value."""
