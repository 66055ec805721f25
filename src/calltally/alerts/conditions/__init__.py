"""Alert conditions that need no statistics: stuck calls, late callbacks, duplicate and shared SIDs."""
