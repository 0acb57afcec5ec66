"""The gradient of the loss, layer by layer, and dead and saturated units."""
