"""HTTP alone: how a request becomes a call into what lies below, and an answer or a problem."""
