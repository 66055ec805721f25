"""The one place that puts the parts together, in modules, so that a command loads no more than it needs."""
