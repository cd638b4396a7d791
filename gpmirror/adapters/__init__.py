"""The world outside: the only modules besides the command line that do input and output."""
