"""What operators see of analysis: the model providers of the house and of companies."""
