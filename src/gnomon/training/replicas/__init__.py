"""Many networks of one architecture, trained as one batched computation."""

from gnomon.training.replicas.key import replica_key
from gnomon.training.replicas.network import (
    ReplicatedNetwork,
    parameters_of,
    run_each,
    run_with,
)
from gnomon.training.replicas.preferred import preferred_replicas

__all__ = [
    "ReplicatedNetwork",
    "parameters_of",
    "preferred_replicas",
    "replica_key",
    "run_each",
    "run_with",
]
