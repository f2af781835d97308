"""The HTTP client and its commands: the one part of this package that may open sockets (extra ``client``)."""
