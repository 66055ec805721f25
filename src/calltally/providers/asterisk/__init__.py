"""Asterisk: its call detail records, from Master.csv and other tables, and as AMI's `Cdr` events."""
