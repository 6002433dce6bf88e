"""Two processes, gloo: masked gradients are the mean of the oracle's for each half."""

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from support import byhand
from support.networks import ResidualNet, batch, loss, plain_net
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel

import gradmask as gm

NETS = {"plain": plain_net, "residual": lambda: ResidualNet().double()}
MASKS = {
    "signal": gm.GradientMask(1.0, size=5),
    "weights": gm.GradientMask(1.0, size=5, route="weights"),
}
SITES = {
    ("plain", "signal"): ["2", "5"],
    ("plain", "weights"): ["0", "3"],
    ("residual", "signal"): ["relu"],
    ("residual", "weights"): ["stem", "a", "b"],
}
WAYS = ["DDP"]
if hasattr(torch.cpu.Stream, "record_event"):  # without it no CPU can shard
    WAYS += ["sharded, then attached", "attached, then sharded"]


def shard(model):
    mesh = init_device_mesh("cpu", (2,))
    for part in model.children():
        if [*part.parameters()]:
            fully_shard(part, mesh=mesh)
    return fully_shard(model, mesh=mesh)


def spread(way, model, inhibition):
    """A network over the processes, and its mask's handle."""
    if way == "attached, then sharded":
        handle = inhibition.attach(model)
        return shard(model), handle
    model = DistributedDataParallel(model) if way == "DDP" else shard(model)
    return model, inhibition.attach(model)


def step(way, model, inhibition, x):
    parallel, handle = spread(way, model, inhibition)
    with handle:
        for _ in range(2):
            parallel.zero_grad()
            loss(parallel(x)).backward()
        gradients = {n: whole(p.grad) for n, p in model.named_parameters()}
        if inhibition.route == "signal" and isinstance(model, nn.Sequential):
            refuses_a_patch(model, x)
    return gradients


def whole(g):
    return g.full_tensor() if hasattr(g, "full_tensor") else g


def refuses_a_patch(model, x):
    first, norm, relu, *_ = model
    patch = torch.zeros_like(x, requires_grad=True)
    with pytest.raises(RuntimeError, match="another tensor that is no parameter"):
        relu(norm(first(x + patch)))


def work(rank, folder):
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=2
    )
    torch.set_num_threads(1)
    mine = batch().chunk(2)[rank]
    gradients = {
        (way, net, route): step(way, NETS[net](), MASKS[route], mine)
        for way in WAYS
        for net, route in SITES
    }
    if rank == 0:
        torch.save(gradients, f"{folder}/gradients.pt")
    dist.destroy_process_group()


@pytest.mark.skipif(
    not dist.is_available() or not dist.is_gloo_available(),
    reason="this PyTorch has no gloo",
)
def test_networks_spread_over_processes_have_the_oracles_gradients(tmp_path):
    mp.start_processes(work, (tmp_path,), nprocs=2, start_method="forkserver")
    gradients = torch.load(tmp_path / "gradients.pt")
    for (net, route), names in SITES.items():
        expected = [
            byhand.gradients(MASKS[route], NETS[net](), names, half)
            for half in batch().chunk(2)
        ]
        for way in WAYS:
            model = NETS[net]()
            for name, p in model.named_parameters():
                p.grad = gradients[way, net, route][name]
            mean = {n: sum(e[n] for e in expected) / 2 for n in expected[0]}
            assert byhand.off(model, mean) < 1e-9, (way, net, route)
