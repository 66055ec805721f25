"""Applications that the service is compared with over HTTP; each module has an `app`, served as ours is."""
