"""jambonz: call status webhooks, and its list of recent calls."""
