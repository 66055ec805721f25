"""Resumable export of a window of calls into files, page by page.

`exporter.export` is the table of contents. It works with any server of the reference page. With snapshots it
reads the window once (`snapshot_window`), without them it reads until two readings agree (`sliced_window`).
"""
