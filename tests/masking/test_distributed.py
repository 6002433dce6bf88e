"""Two processes, gloo: masked gradients equal the single-process ones."""

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from support.networks import ResidualNet, bare_net, batch, close, gradients, loss
from torch.nn.parallel import DistributedDataParallel

import gradmask as gm

NETS = [bare_net, lambda: ResidualNet().double()]
ROUTES = [gm.GradientMask(1.0), gm.GradientMask(1.0, route="weights")]


def work(rank, folder):
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=2
    )
    torch.set_num_threads(1)
    results = []
    for make in NETS:
        for inhibition in ROUTES:
            model = make()
            parallel = DistributedDataParallel(model)
            with inhibition.attach(parallel):
                loss(parallel(batch()[2 * rank : 2 * rank + 2])).backward()
            results.append([p.grad for p in model.parameters()])
    torch.save(results, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.skipif(
    not dist.is_available() or not dist.is_gloo_available(),
    reason="this PyTorch has no gloo",
)
def test_distributed_data_parallel(tmp_path):
    mp.spawn(work, (tmp_path,), nprocs=2)
    ranks = [torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1)]
    results = iter(zip(*ranks, strict=True))
    for make in NETS:
        for inhibition in ROUTES:
            model = make()
            plain = gradients(model, batch())
            with inhibition.attach(model):
                whole = gradients(model, batch())
            assert not close(plain, whole)
            for measured in next(results):
                assert close([2 * g for g in measured], whole)
