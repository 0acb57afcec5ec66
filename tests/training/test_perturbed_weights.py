"""Perturbed weights where layers compute them, where statistics are taken, and in bfloat16."""

import copy
from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, weight_norm

from gnomon.bounds import IBP
from gnomon.networks.weights import weights_of
from gnomon.objectives import cross_entropy, kl_divergence, widened
from gnomon.seeds import generator
from gnomon.sets import Linf
from gnomon.training import Batch, Standard, TrainingMethod
from gnomon.training.adversaries import (
    LayerwiseAscent,
    MovedInputs,
    MovedParameters,
    ParameterAdversary,
    RandomWeights,
    RobustAscent,
    Sharpness,
)
from gnomon.training.case import Case
from gnomon.training.criteria import MisclassificationAware, Tradeoff, WorstCase
from gnomon.training.devices import accelerated
from gnomon.training.methods import (
    ASAM,
    RWP,
    SAM,
    TRADES,
    AWPTraining,
    FreeTraining,
    PGDTraining,
)
from gnomon.training.min_max import MinMax
from gnomon.training.replicas import ReplicatedNetwork

INPUTS = torch.rand(12, 3, generator=generator(0, "x"), dtype=torch.float64)
LABELS = torch.randint(4, (12,), generator=generator(0, "y"))
BATCH = Batch(INPUTS, LABELS, (0.0, 1.0))


def plain(seed: int = 0) -> nn.Sequential:
    """Two layers around a normalisation whose scale and shift have two axes."""
    network = nn.Sequential(
        nn.Linear(3, 6),
        nn.Unflatten(1, (2, 3)),
        nn.LayerNorm([2, 3]),
        nn.Flatten(),
        nn.Tanh(),
        nn.Linear(6, 4),
    ).double()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator(seed, name)))
    return network


def older(layer: nn.Module) -> nn.Module:
    """Weight normalisation by a hook, as it was once done."""
    with pytest.warns(FutureWarning, match="deprecated"):
        return weight_norm(layer)


KINDS: dict[str, Callable[[nn.Module], nn.Module]] = {
    "weight norm": parametrizations.weight_norm,
    "older weight norm": older,
}


def normalised(kind: str, seed: int = 0) -> nn.Sequential:
    """The same function, with weights computed from lengths and directions."""
    network = plain(seed)
    for place in (0, 5):
        KINDS[kind](network[place])
    return network


def moved_by(
    adversary: ParameterAdversary, network: nn.Module, batch: Batch
) -> MovedParameters:
    """What an adversary of the parameters does against the plain loss."""

    def losses(parameters: Mapping[str, Tensor] | None) -> Tensor:
        moved = MovedParameters(parameters)
        return WorstCase()(Case(network, batch, MovedInputs(batch.inputs), moved, IBP()))

    return adversary(network, losses, batch, generator(0))


@pytest.mark.parametrize("adversary", [LayerwiseAscent(0.3, 2), RobustAscent(0.3, 3)])
@pytest.mark.parametrize("kind", KINDS)
def test_a_computed_weight_is_perturbed_as_it_is_multiplied_by(
    kind: str, adversary: ParameterAdversary
) -> None:
    """As in the network that has the same weight as a parameter; and nothing else moves."""
    network, same = normalised(kind), plain()
    found = moved_by(adversary, network, BATCH).centre
    expected = moved_by(adversary, same, BATCH).centre
    assert found is not None
    assert expected is not None
    assert set(found) == set(expected) == set(dict(same.named_parameters()))
    for name, own in same.named_parameters():
        torch.testing.assert_close(found[name], expected[name], rtol=1e-9, atol=1e-12)
        assert torch.equal(expected[name][0], own) is (name not in {"0.weight", "5.weight"})


@pytest.mark.parametrize(
    "method",
    [AWPTraining(Linf(0.0), 0.3), RWP(Linf(0.0), 0.3), MinMax(parameters=RandomWeights(0.3))],
)
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_weight_is_computed_from_is_trained_at_the_moved_weight(
    kind: str, method: TrainingMethod
) -> None:
    """The value there, and the plain network's derivative, carried on by the chain rule."""
    network, same = normalised(kind), plain()
    first, second = (method.loss(each, BATCH, generator(4)) for each in (network, same))
    if not isinstance(method, MinMax):  # whose noise comes in the order of the tensors
        torch.testing.assert_close(first.values, second.values, rtol=1e-9, atol=1e-12)
        second.value.backward()
        computed = weights_of(network)["0.weight"]
        sources = list(computed.sources.values())
        slope = same.get_parameter("0.weight").grad
        expected = torch.autograd.grad(computed.value(), sources, slope)
        found = torch.autograd.grad(first.value, sources)
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-12)
    else:
        first.value.backward()
        for source in weights_of(network)["0.weight"].sources.values():
            assert source.grad is not None
            assert source.grad.any()


@pytest.mark.filterwarnings("ignore:There is a performance drop")  # torch's, of _weight_norm
@pytest.mark.parametrize("adversary", [LayerwiseAscent(0.3, 2), RobustAscent(0.3, 3)])
def test_computed_weights_of_many_networks_are_perturbed_as_one_by_one(
    adversary: ParameterAdversary,
) -> None:
    networks = [normalised("weight norm", seed) for seed in range(3)]
    many = ReplicatedNetwork(networks)
    many.examples = len(LABELS)
    whole = Batch(torch.cat([INPUTS] * 3), torch.cat([LABELS] * 3), (0.0, 1.0))
    group = MinMax(parameters=adversary).loss(many, whole, generator(0))
    alone = [MinMax(parameters=adversary).loss(each, BATCH, generator(0)) for each in networks]
    torch.testing.assert_close(group.values, torch.cat([each.values for each in alone]))
    (slope,) = torch.autograd.grad(group.values.sum(), many.rows)
    for row, (one, network) in enumerate(zip(alone, networks, strict=True)):
        slopes = torch.autograd.grad(one.values.sum(), list(network.parameters()))
        torch.testing.assert_close(slope[row], torch.cat([each.flatten() for each in slopes]))


def test_noise_on_weights_is_by_filter_and_on_others_by_their_length() -> None:
    """Of 4,000 draws; the two-dimensional bias of a normalisation has one length, too."""
    network, size = plain(), 0.2
    draws = [
        RandomWeights(size)(network, lambda _: INPUTS[:, 0], BATCH, generator(seed)).centre
        for seed in range(4000)
    ]
    for name, own in network.named_parameters():
        moved = torch.stack([each[name][0].detach() - own.detach() for each in draws if each])
        found = moved.square().mean(dim=0).sqrt()
        rows = (
            own.detach().norm(dim=1, keepdim=True)
            if name in {"0.weight", "5.weight"}
            else own.norm()
        )
        expected = (size * rows).detach().expand_as(found)
        # Six standard errors of a deviation of 4,000 numbers.
        torch.testing.assert_close(found, expected, rtol=6 / 8000**0.5, atol=0)


def test_adaptive_sharpness_scales_what_a_weight_is_computed_from() -> None:
    """T = |θ| + η for a direction and a length, too, since what they make is named weight."""
    network = normalised("weight norm")
    flat = moved_by(Sharpness(1e-3, 0.0), network, BATCH).centre
    assert flat is not None
    slopes = torch.autograd.grad(
        cross_entropy(network(INPUTS), LABELS).mean(), list(network.parameters())
    )
    named = dict(zip(dict(network.named_parameters()), slopes, strict=True))
    name = "0.parametrizations.weight.original1"
    step = flat[name][0] - network.get_parameter(name)
    ratio = step / (network.get_parameter(name).square() * named[name])
    torch.testing.assert_close(ratio, ratio[0, 0].expand_as(ratio), rtol=1e-6, atol=0)


def measured(network: nn.Module) -> dict[str, Tensor]:
    """Its running statistics."""
    return {name: each.clone() for name, each in network.named_buffers()}


def batch_normalised() -> nn.Sequential:
    """A network with running statistics, and with dropout."""
    network = nn.Sequential(
        nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 4), nn.BatchNorm1d(4)
    ).double()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator(0, name)))
    return network.train()


@pytest.mark.parametrize("method", [SAM(2.0), ASAM(2.0)])
@pytest.mark.parametrize("many", ["alone", "a group"])
def test_sharpness_takes_running_statistics_at_the_network_itself(
    method: TrainingMethod, many: str
) -> None:
    """They are those that a plain step leaves, once; the loss is that of the moved network."""
    alone = [batch_normalised(), batch_normalised()]
    networks = [ReplicatedNetwork([each]) if many == "a group" else each for each in alone]
    for each in networks:
        if isinstance(each, ReplicatedNetwork):
            each.examples = len(LABELS)
            each.train()
    method.loss(networks[0], BATCH, generator(0)).value.backward()
    Standard().loss(networks[1], BATCH, generator(0)).value.backward()
    first, second = (measured(each) for each in networks)
    assert all(torch.equal(each, second[name]) for name, each in first.items())
    slopes = [
        torch.cat([p.grad.flatten() for p in each.parameters() if p.grad is not None])
        for each in networks
    ]
    assert not torch.allclose(slopes[0], slopes[1])


@pytest.mark.parametrize("method", [AWPTraining(Linf(0.1), 0.5), RWP(Linf(0.1), 0.5)])
def test_perturbed_weights_take_running_statistics_where_they_are(
    method: TrainingMethod,
) -> None:
    """As in their source, whose network is itself moved; and once."""
    network = batch_normalised()
    method.loss(network, BATCH, generator(0)).value.backward()
    (tracked,) = {int(each) for name, each in measured(network).items() if "tracked" in name}
    assert tracked == 1
    other = batch_normalised()
    PGDTraining(Linf(0.1)).loss(other, BATCH, generator(0)).value.backward()
    assert not torch.equal(
        network.get_buffer("1.running_mean"), other.get_buffer("1.running_mean")
    )


PERTURBING: dict[str, TrainingMethod] = {
    "sam": SAM(3.0),
    "asam": ASAM(3.0),
    "at_awp": AWPTraining(Linf(0.0), 0.5),
    "rwp": RWP(Linf(0.0), 0.5),
    "random": MinMax(parameters=RandomWeights(0.5)),
}


@pytest.mark.parametrize("name", PERTURBING)
@pytest.mark.parametrize("block", ["one block", "a block for each pass"])
def test_in_bfloat16_the_loss_is_that_of_the_moved_weights(name: str, block: str) -> None:
    """Torch keeps the casts of weights until a block of mixed precision ends.

    The loss, and the slopes, are those of float32 up to 8 bits, where weights that did not
    move would give those of standard training; and these two are far apart.
    """
    network = plain().float().train()
    batch = Batch(INPUTS.float(), LABELS, (0.0, 1.0))

    def measured_by(method: TrainingMethod, network: nn.Module) -> tuple[float, Tensor]:
        loss = method.loss(network, batch, generator(5)).value
        slopes = torch.autograd.grad(loss, list(network.parameters()))
        return float(loss.detach()), torch.cat([each.flatten() for each in slopes])

    exact = measured_by(PERTURBING[name], network)
    still = measured_by(Standard(), network)
    if block == "one block":
        with torch.autocast("cpu", torch.bfloat16):
            network(batch.inputs)  # its casts are kept from now on
            rough = measured_by(PERTURBING[name], network)
    else:
        with accelerated("cpu", "bfloat16") as accelerator:
            prepared = accelerator.prepare_model(copy.deepcopy(network))
            rough = measured_by(PERTURBING[name], prepared)
    apart = abs(exact[0] - still[0]), float((exact[1] - still[1]).norm())
    assert abs(rough[0] - exact[0]) < 0.2 * apart[0]
    assert float((rough[1] - exact[1]).norm()) < 0.3 * apart[1]
    assert rough != exact


@pytest.mark.parametrize(
    "method",
    [
        Standard(0.1),
        PGDTraining(Linf(0.01)),
        TRADES(Linf(0.01)),
        FreeTraining(Linf(0.01)),
        SAM(),
    ],
)
def test_losses_take_logits_in_float32(method: TrainingMethod) -> None:
    """In a block of bfloat16, and of a network that is bfloat16 altogether."""
    network = plain().float().train()
    batch = Batch(INPUTS.float(), LABELS, (0.0, 1.0))
    with torch.autocast("cpu", torch.bfloat16):
        assert method.loss(network, batch, generator(0)).values.dtype == torch.float32
    rough = Batch(INPUTS.bfloat16(), LABELS, (0.0, 1.0))
    narrow = copy.deepcopy(network).bfloat16()
    assert method.loss(narrow, rough, generator(0)).values.dtype == torch.float32


@pytest.mark.parametrize("criterion", [WorstCase(), Tradeoff(), MisclassificationAware()])
def test_a_criterion_of_narrow_logits_has_the_digits_of_float32(
    criterion: WorstCase | Tradeoff | MisclassificationAware,
) -> None:
    """The logits are those of a network in bfloat16, and what is made of them is float64's."""
    rough, points = INPUTS.bfloat16(), (INPUTS + 0.1).bfloat16()
    narrow = plain().bfloat16()

    def case(network: nn.Module) -> Case:
        batch = Batch(rough, LABELS, (0.0, 1.0))
        return Case(network, batch, MovedInputs(points), MovedParameters(), IBP())

    class Exact(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return narrow(x).double()

    found, expected = criterion(case(narrow)), criterion(case(Exact()))
    assert found.dtype == torch.float32
    # In float32 p̂ is known to 1e-7, and MART takes the logarithm of 1.0001 − p̂.
    torch.testing.assert_close(found, expected.float(), rtol=1e-5, atol=1e-7 / 1e-4)


def test_narrow_logits_are_widened_and_others_kept() -> None:
    logits = torch.randn(4, 3, generator=generator(0))
    for narrow in (torch.bfloat16, torch.float16):
        given = logits.to(narrow)
        exact = cross_entropy(given.double(), LABELS[:4] % 3).float()
        torch.testing.assert_close(cross_entropy(given, LABELS[:4] % 3), exact)
        moved = (given.double().roll(1, 0), LABELS[:4] % 3, given.double())
        found = kl_divergence(given.roll(1, 0), LABELS[:4] % 3, given)
        torch.testing.assert_close(found, kl_divergence(*moved).float())
    assert widened(logits) is logits
    assert widened(logits.double()).dtype == torch.float64
