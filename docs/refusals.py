"""Prints the table of `docs/topics/refusals.md`: what bounds say where they cannot follow.

Run it from the project's folder: python docs/refusals.py
"""

import re
import sys
import warnings

import torch

import gnomon as gn

sys.path.insert(0, "tests")

from reference.refused_networks import NETWORKS, X


def sentence(name: str) -> str:
    """What IBP says of a network; the list of all known operations is left out."""
    labels = torch.tensor([0, 1, 0])
    try:
        gn.IBP()(NETWORKS[name].network(), X, labels, gn.Linf(0.1))
    except gn.GnomonError as error:
        return re.sub(r"It knows .*", "It knows …", str(error))
    raise AssertionError(name)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print("| a network that returns or does | the error |")
    print("|---|---|")
    for name in NETWORKS:
        print(f"| {name} | {sentence(name)} |")
