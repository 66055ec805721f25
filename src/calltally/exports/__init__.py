"""Call windows of one snapshot, read in constant memory for streams and export jobs."""
