"""The accuracy under random noise."""
