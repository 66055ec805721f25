"""The exporter: a window of calls into files, page by page, that can be stopped anywhere and goes on there.

`exporter.export` is the table of contents. It works against any server of the reference page: one with
snapshots is read once (`held_window`), one without is read until two readings agree (`sliced_window`).
"""
