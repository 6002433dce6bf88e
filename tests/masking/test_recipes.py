"""What people train with, and what they do around a step: right gradients in each."""

import copy

import pytest
import torch
from support import byhand
from support.networks import batch, close, gradients, hooks, identical, loss, plain_net
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn
from torch.utils.checkpoint import checkpoint

import gradmask as gm

ROUTES = [
    gm.GradientMask(1.0, size=5),
    gm.GradientMask(1.0, size=5, route="weights"),
]
routes = pytest.mark.parametrize("inhibition", ROUTES, ids=["signal", "weights"])
SITES = {"signal": ["2", "5"], "weights": ["0", "3"]}


def oracles(inhibition, model, *parts):
    """Gradients by parameter name, summed over the parts of a batch."""
    names = SITES[inhibition.route]
    each = [byhand.gradients(inhibition, model, names, part) for part in parts]
    return {name: sum(gradients[name] for gradients in each) for name in each[0]}


@routes
@pytest.mark.parametrize("averaging", ["ema", "swa"])
@pytest.mark.parametrize("before", [True, False])
def test_an_averaged_copy_is_unmasked_and_the_network_masked(
    inhibition, averaging, before
):
    def averaged(model):
        ema = averaging == "ema"
        return AveragedModel(
            model, multi_avg_fn=get_ema_multi_avg_fn() if ema else None
        )

    model, x = plain_net(), batch()
    twin = averaged(model) if before else None
    plain = gradients(model, x)
    with inhibition.attach(model):
        masked = gradients(model, x)
        twin = twin or averaged(model)
        twin.update_parameters(model)
        update_bn([x], twin)
        assert close(gradients(twin.module, x), plain)
        assert identical(gradients(model, x), masked)
    assert not close(plain, masked)
    assert hooks(model) == 0


@routes
def test_accumulated_gradients_are_the_sum_of_the_oracles(inhibition):
    model, parts = plain_net(), batch(6).split(2)
    expected = oracles(inhibition, model, *parts)
    with inhibition.attach(model):
        for part in parts:
            loss(model(part)).backward()
    assert byhand.off(model, expected) < 1e-9


@routes
def test_a_copy_of_the_network_is_masked_once_a_mask_is_attached_to_it(inhibition):
    model, x = plain_net(), batch()
    with inhibition.attach(model):
        masked = gradients(model, x)
        twin = copy.deepcopy(model)
    with inhibition.attach(twin) as handle:
        assert identical(gradients(twin, x), masked)
        if inhibition.route == "weights":
            assert "0: Conv2d, projected by 1" in repr(handle)


@routes
def test_lightning_trains_with_the_oracles_gradients(inhibition, tmp_path):
    lightning = pytest.importorskip("lightning")

    class Task(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = plain_net()

        def training_step(self, part, index):
            return loss(self.net(part))

        def validation_step(self, part, index):
            self.net(part)

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.0)

        def on_before_optimizer_step(self, optimizer):
            self.gradients = {n: 2 * p.grad for n, p in self.net.named_parameters()}

    class Inhibited(lightning.Callback):
        def on_fit_start(self, trainer, module):
            self.handle = inhibition.attach(module)

        def on_fit_end(self, trainer, module):
            self.handle.remove()

    task, parts = Task(), batch(6)
    loader = torch.utils.data.DataLoader(parts, batch_size=3)
    trainer = lightning.Trainer(
        accelerator="cpu", accumulate_grad_batches=2, callbacks=[Inhibited()],
        default_root_dir=tmp_path, enable_progress_bar=False, logger=False,
        max_epochs=1,
    )  # fmt: skip
    trainer.fit(task, loader, loader)
    for name, p in task.net.named_parameters():
        p.grad = task.gradients[name]
    expected = oracles(inhibition, plain_net(), *parts.split(3))
    assert byhand.off(task.net, expected) < 1e-9
    assert hooks(task) == 0


@routes
@pytest.mark.parametrize("attached_first", [True, False])
def test_accelerate_trains_with_the_oracles_gradients(inhibition, attached_first):
    accelerate = pytest.importorskip("accelerate")
    accelerator = accelerate.Accelerator(gradient_accumulation_steps=2)
    own, parts = plain_net(), batch(6).split(3)
    expected = oracles(inhibition, own, *parts)
    handle = inhibition.attach(own) if attached_first else None
    model = accelerator.prepare(own)
    with handle or inhibition.attach(model):
        for part in parts:
            with accelerator.accumulate(model):
                accelerator.backward(2 * loss(model(part.to(accelerator.device))))
    assert byhand.off(own.cpu(), expected) < 1e-9
    assert hooks(own) == 0


@routes
def test_the_dummy_input_of_a_reentrant_checkpoint_is_allowed_where_one_says_so(
    inhibition,
):
    model, x = plain_net(), batch()
    expected = oracles(inhibition, model, x)

    def step():
        dummy = torch.ones(1, requires_grad=True)
        h = checkpoint(lambda x, _: model[:3](x), x, dummy, use_reentrant=True)
        loss(model[3:](h)).backward()

    if inhibition.route == "signal":
        with inhibition.attach(model), pytest.raises(RuntimeError, match="requires gr"):
            step()
    with inhibition.attach(model, allow_input_grad=True):
        step()
    assert byhand.off(model, expected) < 1e-9
