"""Launch quality: what calls add up to, compared and judged."""
