"""The commands of the core, each in a module of its own: arguments, files and the clock; all else is elsewhere."""
