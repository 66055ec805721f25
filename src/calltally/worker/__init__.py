"""What is done in the background: rounds of upkeep, and jobs that take long."""
