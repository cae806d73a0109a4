"""ChainGAN: the paper's nine models, and who moves, learns and is retained in one update."""

import copy

import pytest
import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.distributed._tools.mem_tracker import MemTracker

import ganlib as gl
from ganlib.models.chaingan import (
    ChainGAN,
    ChainGenerator,
    Editor,
    MultiCritic,
    dcgan_base,
    dcgan_trunk,
    resnet_base,
    resnet_trunk,
)
from ganlib.objectives import WASSERSTEIN, gradient_penalty

SHAPE = (1, 16, 16)
RGB = (3, 32, 32)
SMALL = dict(width=8, d=4, editors=3, latent_dim=8)


def chain(seed=0, **settings):
    gl.seed_everything(seed)
    return gl.build("chaingan", SHAPE, **{**SMALL, **settings})


def reals(n=8):
    while True:
        yield torch.rand(n, *SHAPE) * 2 - 1


def count(module):
    return sum(p.numel() for p in module.parameters())


def copies(module):
    return {name: p.detach().clone() for name, p in module.named_parameters()}


def moved(module, before):
    return {name for name, p in module.named_parameters() if not torch.equal(p, before[name])}


@pytest.mark.parametrize(
    "settings, parameters",
    [
        (dict(editors=0), 701_763),  # model 1
        (dict(width=128), 592_818),  # model 2
        (dict(width=128, d=48), 867_218),
        (dict(), 984_658),  # models 3, 4 and 5
        (dict(d=48, one_critic=True), 1_259_058),
        (dict(width=512, editors=0), 1_731_203),  # model 6
        (dict(base="resnet", editors=0), 728_259),  # model 7
        (dict(base="resnet"), 1_011_154),  # model 8
        (dict(base="resnet", width=128, editors=0), 1_204_483),  # model 9
    ],
)
def test_the_papers_models_have_their_parameters(settings, parameters):
    with torch.device("meta"):
        gan = gl.build("chaingan", RGB, **settings)
    assert count(gan.generator) == parameters
    assert (gan.n_critic, gan.penalty, gan.latent_dim) == (5, 10, 128)
    for optimizer in gan.optimizers.values():
        assert optimizer.param_groups[0]["lr"] == 1e-4 and optimizer.param_groups[0]["betas"] == (0.5, 0.9)


def test_the_papers_editors_and_critics():
    editors = [Editor(3, d, batch_norm=norm) for norm in (False, True) for d in (34, 48)]
    assert [count(editor) for editor in editors] == [56_579, 111_459, 56_925, 111_945]
    trunk, features = resnet_trunk(RGB, 128)
    assert trunk(torch.zeros(2, *RGB)).shape == (2, features) and features == 128 * 4 * 4
    trunk, features = dcgan_trunk(RGB, 128)
    assert trunk(torch.zeros(2, *RGB)).shape == (2, features) and features == 512 * 4 * 4
    assert not any(isinstance(m, nn.BatchNorm2d) for m in trunk.modules())
    norm = dcgan_base(RGB, 256, 128)[1]
    assert isinstance(norm, nn.BatchNorm1d) and norm.num_features == 16 * 256
    heads = gl.build("chaingan", SHAPE, **SMALL).discriminator.heads
    assert len(heads) == 4 and len({id(head) for head in heads}) == 4


@pytest.mark.parametrize("base", [dcgan_base, resnet_base])
@pytest.mark.parametrize("shape", [(1, 16, 16), (3, 28, 28), (3, 64, 64)], ids=str)
def test_bases_at_other_sizes(base, shape):
    images = base(shape, 16, 5)(torch.randn(2, 5))
    assert images.shape == (2, *shape) and images.abs().max() <= 1


def test_upto_cuts_the_chain():
    """CG-C5a: x~_k is what the first k editors make; a game that is cut shares its networks."""
    gan, z = chain(), torch.randn(6, 8)
    gan.eval()
    x, made = z, []
    for link in gan.generator.links:
        x = link(x)
        made.append(x)
    for k, by_hand in enumerate(made):
        assert torch.equal(gan.generator(z, upto=k), by_hand) and torch.equal(gan.generator.samples(z)[k], by_hand)
        shorter = gan.cut(k)
        assert torch.equal(shorter.generator(z), by_hand) and shorter.sample(2, seed=1).shape == (2, *SHAPE)
        assert torch.equal(shorter.discriminator(x), gan.discriminator(x, k))
        assert {id(p) for p in shorter.parameters()} <= {id(p) for p in gan.parameters()}
    assert torch.equal(gan.generator(z), made[3])
    assert torch.equal(gan.sample(6, seed=2), gan.cut(3).sample(6, seed=2))


def test_a_chain_over_any_base():
    """And a cut of an averaged chain is averaged."""
    base = gl.build("vanilla", SHAPE, width=16).generator
    gan = ChainGAN(
        ChainGenerator(base, [Editor(1, 4)]), MultiCritic(nn.Flatten(), [nn.Linear(256, 1)]), WASSERSTEIN, 64
    )
    gl.fit(gan, gl.load("mnist5k", size=16).take(40), 3, batch_size=8, ema=0.9)
    torch.testing.assert_close(gan.cut(0).sample(4, seed=0), gan.averaged.links[0].eval()(latents(gan, 4, seed=0)))


def latents(gan, n, seed):
    torch.manual_seed(seed)
    return gan.latent(n)


@pytest.mark.parametrize("one_critic", [False, True])
def test_one_link_and_one_head_move(one_critic):
    """Bit for bit, though Adam has momentum from earlier steps; and no other gradient exists."""
    gan, batches = chain(one_critic=one_critic, n_critic=2), reals()
    seen = set()
    for _ in range(12):
        before = copies(gan)
        gan.step(batches)
        i = gan.link
        seen.add(i)
        allowed = (f"generator.links.{i}.", f"discriminator.heads.{0 if one_critic else i}.", "discriminator.trunk.")
        changed = moved(gan, before)
        assert all(name.startswith(allowed) for name in changed)
        assert all(any(name.startswith(prefix) for name in changed) for prefix in allowed)
        for name, p in gan.named_parameters():
            assert (p.grad is not None) == name.startswith(allowed), name
    assert seen == {0, 1, 2, 3}


def test_end_to_end_moves_the_whole_chain():
    gan = chain(end_to_end=True, n_critic=1)
    before = copies(gan)
    logs = gan.step(reals())
    changed = moved(gan, before)
    for i in range(4):
        assert any(name.startswith(f"generator.links.{i}.") for name in changed)
    assert {name.split(".")[2] for name in changed if name.startswith("discriminator.heads")} == {"3"}
    assert gan.link == 3 and logs["link_3"] == 1


def test_fakes_are_those_of_the_drawn_link():
    gan = chain().eval()  # batch norm's statistics stand still
    for gan.link in range(4):
        torch.manual_seed(5)
        z = gan.latent(6)
        torch.manual_seed(5)
        fakes = gan.fakes(gan.latent(6))
        assert torch.equal(fakes, gan.generator.samples(z)[gan.link]) and not fakes.requires_grad


def test_history_counts_the_updates_of_every_link(monkeypatch):
    drawn, link_of = [], torch.randint

    def watched(*arguments, **settings):
        i = link_of(*arguments, **settings)
        if i.dim() == 0:
            assert settings["device"] == "cpu"
            drawn.append(int(i))
        return i

    monkeypatch.setattr(torch, "randint", watched)
    gan = chain(n_critic=1)
    history = gl.fit(gan, gl.load("mnist5k", size=16).take(64), 25, batch_size=4, every=10)
    lengths = [10, 10, 5]
    counts = [round(sum(share * n for share, n in zip(history[f"link_{i}"], lengths)), 6) for i in range(4)]
    assert counts == [drawn.count(i) for i in range(4)] and sum(counts) == 25


def test_links_are_drawn_uniformly():
    gan = chain()
    gan.discriminator_step = gan.generator_step = lambda *_: {}
    gan.fakes = lambda z: torch.zeros(len(z), *SHAPE)
    links = torch.tensor([gan.step(reals(1)) and gan.link for _ in range(4000)])
    assert (links.bincount(minlength=4) - 1000).abs().max() < 5 * (4000 * 0.25 * 0.75) ** 0.5


def test_multi_critic_is_a_head_on_a_shared_trunk():
    heads = [nn.Linear(256, 1) for _ in range(3)]
    critic, x = MultiCritic(nn.Flatten(), heads), torch.randn(5, *SHAPE)
    for i, head in enumerate(heads):
        assert torch.equal(critic(x, i), head(x.flatten(1))[:, 0])
    assert torch.equal(critic(x), critic(x, 2)) and critic(x).shape == (5,)
    single = MultiCritic(nn.Flatten(), heads[:1])
    assert torch.equal(single(x, 2), single(x)) and torch.equal(single(x), critic(x, 0))


def linear_game(**settings):
    """Four numbers instead of pictures, every link and every critic linear: the formulas can be written out."""
    gl.seed_everything(0)
    links = [nn.Linear(4, 4, bias=False) for _ in range(4)]
    heads = [nn.Linear(4, 1, bias=False) for _ in range(4)]
    sgd = lambda parameters: torch.optim.SGD(parameters, lr=0.1)  # noqa: E731
    generator, critic = ChainGenerator(links[0], links[1:]), MultiCritic(nn.Flatten(), heads)
    gan = ChainGAN(generator, critic, WASSERSTEIN, 4, penalty=10.0, g_optimizer=sgd, d_optimizer=sgd, **settings)
    return gan, [link.weight for link in links], [head.weight[0] for head in heads]


def test_critics_loss_and_penalty_are_the_chosen_heads():
    """D_i(x~) - D_i(x) + lambda (||w_i|| - 1)^2: a linear critic's gradient is its weight, everywhere."""
    for i in range(4):
        gan, _, w = linear_game()
        gan.link, real, fake = i, torch.randn(6, 4), torch.randn(6, 4)
        w, norm = w[i].detach().clone(), w[i].norm().item()
        logs = gan.discriminator_step(real, fake)
        difference = fake.mean(0) - real.mean(0)
        assert logs["d_loss"].item() == pytest.approx((difference @ w).item(), abs=1e-6)
        assert logs["penalty"].item() == pytest.approx((norm - 1) ** 2, rel=1e-5)
        torch.testing.assert_close(logs["d_loss"], logs["d_fake"] - logs["d_real"])
        gradient = difference + 10 * 2 * (norm - 1) * w / norm
        torch.testing.assert_close(gan.discriminator.heads[i].weight[0], w - 0.1 * gradient)


@pytest.mark.parametrize("game", [None, "rival", "ahead"])
def test_the_editors_games_are_their_formulas(game):
    """Section 5, with L_i to be maximised: CG-S5a D_i - weight D_{i-1}; CG-S5b the discounted sum of all ahead."""
    for i in range(4):
        gan, a, w = linear_game(game=game, weight=0.7)
        gan.link, before = i, copies(gan)
        torch.manual_seed(3)
        z = torch.randn(6, 4)
        a = [matrix.detach().clone().requires_grad_() for matrix in a]
        x = [z]
        for matrix in a:
            x.append(x[-1] @ matrix.T)
        x = x[1:]
        score = [(x[j] @ w[j].detach()).mean() for j in range(4)]
        if game == "rival" and i:
            value = score[i] - 0.7 * score[i - 1].detach()  # x~_{i-1} has no gradient: what comes before is detached
        elif game == "ahead":
            value = sum(0.7 ** (j - i) * score[j] for j in range(i, 4))
        else:
            value = score[i]
        (gradient,) = torch.autograd.grad(value, a[i])
        torch.manual_seed(3)
        logs = gan.generator_step(torch.empty(6, 1))
        assert logs["g_loss"].item() == pytest.approx(-value.item(), abs=1e-6)
        torch.testing.assert_close(gan.generator.links[i].weight, (a[i] + 0.1 * gradient).detach())
        assert moved(gan, before) == {f"generator.links.{i}.weight"}
        assert all((link.weight.grad is None) == (j != i) for j, link in enumerate(gan.generator.links))


def test_the_rivals_term_changes_no_update():
    """What the paper does not say of its first game: E_i has no influence on D_{i-1}(x~_{i-1})."""
    games = [chain(game=game) for game in (None, "rival")]
    for gan in games:
        gl.fit(gan, gl.load("mnist5k", size=16).take(64), 6, batch_size=8)
    assert all(torch.equal(a, b) for a, b in zip(games[0].parameters(), games[1].parameters()))


def test_the_step_uses_the_gradient_penalty_of_the_library():
    gan, twin = chain(n_critic=1), chain(n_critic=1)
    real, gan.link = next(reals()), 2
    torch.manual_seed(9)
    logs = gan.discriminator_step(real)
    torch.manual_seed(9)
    fake = twin.generator(twin.latent(8), upto=2).detach()
    penalty = gradient_penalty(lambda x: twin.discriminator(x, 2), real, fake).mean()
    torch.testing.assert_close(logs["penalty"], penalty.detach())


def retained(gan, link):
    """What autograd keeps for one generator update: the bytes, and the generator's parameters that get a gradient."""
    kept = {}

    def pack(tensor):
        kept[tensor.data_ptr(), tensor.shape] = tensor.numel() * tensor.element_size()
        return tensor

    gan.link = link
    with saved_tensors_hooks(pack, lambda tensor: tensor):
        gan.generator_step(torch.empty(16, 1))
    return sum(kept.values()), sum(p.numel() for p in gan.generator.parameters() if p.grad is not None)


def test_an_update_retains_one_link_not_the_chain():
    """CG-F5, CG-C6: the last link's graph is as large in a chain of eight editors as in one of a single editor."""
    alone, whole = [], []
    for n in range(1, 9):
        alone.append(retained(chain(editors=n), n))
        whole.append(retained(chain(editors=n, end_to_end=True), n))
    assert len(set(alone)) == 1
    editor = count(Editor(1, SMALL["d"]))
    assert alone[0][1] == editor
    assert all(b[1] - a[1] == editor for a, b in zip(whole, whole[1:]))
    steps = [b[0] - a[0] for a, b in zip(whole, whole[1:])]
    assert min(steps) > 0 and max(steps) - min(steps) <= 0.01 * max(steps)


def peak(gan, link):
    """The most bytes that a generator's update holds at a time, with the weights and their optimiser's moments."""
    gan.link = link
    tracker = MemTracker()
    tracker.track_external(gan, gan.optimizers["generator"])
    with tracker:
        gan.generator_step(torch.empty(16, 1))
    return tracker.get_tracker_snapshot("peak")[gan.device]["Total"]


def test_peak_memory_of_an_update_is_flat_in_the_number_of_editors():
    """CG-F5: within 10 %, for the weights of the longer chain are there too; end-to-end it grows."""
    alone, whole = ([peak(chain(editors=n, end_to_end=e), n) for n in (1, 4, 8)] for e in (False, True))
    assert max(alone) < 1.1 * min(alone)
    assert whole[1] > 2 * whole[0] and whole[2] > 1.5 * whole[1]


def test_a_checkpoint_of_another_game_is_refused(tmp_path):
    gan = chain()
    gl.save(gan, tmp_path / "chain.pt")
    with pytest.raises(ValueError, match="end_to_end"):
        gl.restore(chain(end_to_end=True), tmp_path / "chain.pt")
    twin = copy.deepcopy(gan)
    gl.restore(twin, tmp_path / "chain.pt")
    assert all(torch.equal(a, b) for a, b in zip(gan.parameters(), twin.parameters()))


@pytest.mark.parametrize(
    "call, sentence",
    [
        (lambda: chain().generator(torch.zeros(2, 8), upto=4), r"upto is 4; it must be a link of this chain, from 0"),
        (lambda: chain().generator(torch.zeros(2, 8), upto=-1), r"upto is -1; .* from 0 \(the base\) to 3"),
        (lambda: chain().cut(7), r"upto is 7; it must be a link of this chain, from 0 \(the base\) to 3"),
        (lambda: chain().generator(torch.zeros(2, 9)), r"z has shape \(2, 9\); it must be \(N, 8\)"),
        (lambda: chain(base="vgg"), "base is 'vgg'; it must be 'dcgan' or 'resnet'"),
        (lambda: chain(editors=-1), "editors is -1; it must not be negative"),
        (lambda: chain(width=5), "width is 5; it must be a multiple of 2"),
        (lambda: chain(game="chess"), "game is 'chess'; it must be None, 'rival' or 'ahead'"),
        (lambda: chain(n_critic=0), "n_critic is 0"),
        (
            lambda: ChainGAN(
                ChainGenerator(nn.Linear(4, 4), [nn.Linear(4, 4)]),
                MultiCritic(nn.Flatten(), [nn.Linear(4, 1) for _ in range(3)]),
                WASSERSTEIN,
                4,
            ),
            "the critic has 3 heads; 2 links need as many, or one",
        ),
    ],
)
def test_bad_input(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
