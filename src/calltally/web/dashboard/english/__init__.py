"""Texts of the pages in English."""
