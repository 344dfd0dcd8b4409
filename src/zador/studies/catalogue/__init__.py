"""One study a file: each returns what it compares, and runs it."""
