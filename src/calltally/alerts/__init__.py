"""Detectors: from counts to findings. What is stored, sent and scheduled is built upon it."""
