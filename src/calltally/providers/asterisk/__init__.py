"""Asterisk: call detail records from Master.csv and other tables, and AMI's `Cdr` events."""
