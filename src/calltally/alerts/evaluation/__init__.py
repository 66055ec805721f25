"""One evaluation of a tenant's alerts, from the five-minute steps to alerts that fire or resolve."""
