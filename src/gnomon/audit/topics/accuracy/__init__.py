"""The accuracy on examples as they are, class by class."""
