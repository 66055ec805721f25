"""What the service is held against over HTTP: each module has an `app`, served as ours is."""
