"""What the experiments need and the library does not: data, networks, figures."""
