"""Launch quality: totals of calls, their comparison and evaluation."""
