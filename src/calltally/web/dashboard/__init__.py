"""The pages for people: find a call, understand it. What they show is read by the API's own steps."""
