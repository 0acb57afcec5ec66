"""The accuracy under attack."""
