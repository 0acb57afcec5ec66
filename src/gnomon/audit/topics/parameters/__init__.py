"""The accuracy of networks with other parameters."""
