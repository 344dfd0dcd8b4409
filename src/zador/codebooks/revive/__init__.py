"""What happens to codewords that nobody chooses: one policy a file, each pure."""
