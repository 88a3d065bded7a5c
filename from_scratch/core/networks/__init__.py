"""What is computed with the parameters of networks."""
