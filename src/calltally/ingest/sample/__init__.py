"""What carriers, a switch, platforms and a tenant would send over two days, for the demonstration."""
