"""Windows of calls as of one snapshot, read at constant memory for streams and export jobs."""
