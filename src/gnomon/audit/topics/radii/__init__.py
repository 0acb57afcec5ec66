"""The radii up to which bounds certify examples."""
