"""Reads a parameter's role from its name."""


def own_name(name: str) -> str:
    """The name of a parameter in its layer, such as "weight" of "head.weight".

    For what a computed tensor is made of (`torch.nn.utils.parametrize`) it is the name of that
    tensor: "weight" of "head.parametrizations.weight.original0".
    """
    parts = name.split(".")
    if "parametrizations" in parts[:-2]:
        return parts[len(parts) - parts[::-1].index("parametrizations")]
    return parts[-1]


def is_bias(name: str) -> bool:
    """True for names of biases: `bias` of a layer and `in_proj_bias` of attention."""
    return "bias" in own_name(name)
