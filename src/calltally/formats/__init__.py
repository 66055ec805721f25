"""Records as the bytes of a file, for the streams of the server and the exports of the client alike. Pure."""
