"""The accuracy that bounds certify, between what is certified and what is attacked."""
