"""Calls as files: a window of sealed records, as CSV, NDJSON, Parquet or Arrow, at constant memory."""
