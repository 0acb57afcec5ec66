"""The accuracy under AutoAttack."""
