"""The page that lists calls."""
