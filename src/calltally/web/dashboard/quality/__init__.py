"""The pages of figures: rates side by side over time, and a launch against what was before it."""
