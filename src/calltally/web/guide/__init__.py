"""The documentation site at /docs/guide. `make docs` builds it, wheels contain it, git does not."""
