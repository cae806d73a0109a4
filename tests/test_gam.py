"""Battles with hand-made players, whose error rates are known, and the verdicts of the paper's own tables."""

import math
from types import SimpleNamespace

import matplotlib.pyplot as plt
import pytest
import torch
from scipy.stats import binom
from torch import nn

import ganlib as gl
from ganlib.metrics import battle_winner, battles, bradley_terry, error_rate, gam, null, rates, tournament
from ganlib.objectives import HINGE, LEAST_SQUARES, NON_SATURATING, WASSERSTEIN


class Brightness(nn.Module):
    """Says real, the more so the brighter: the logit is the mean pixel minus a threshold, plus a shift."""

    def __init__(self, threshold, shift=0.0, scale=1.0):
        super().__init__()
        self.threshold, self.shift, self.scale = nn.Parameter(torch.tensor(float(threshold))), shift, scale
        self.modes = []

    def forward(self, x):
        self.modes.append(self.training)
        return self.scale * (x.mean((1, 2, 3)) - self.threshold) + self.shift


class Player(gl.GAN):
    """A game whose samples are grey squares of the given pixel values 0...255, again and again."""

    def __init__(self, greys, threshold, objective=NON_SATURATING, **kwargs):
        super().__init__(nn.Linear(1, 1), Brightness(threshold, **kwargs), objective, latent_dim=1)
        self.greys = greys

    def sample(self, n, seed=None, y=None):
        return squares([self.greys[i % len(self.greys)] for i in range(n)])


def squares(greys):
    return (torch.tensor(greys, dtype=torch.float32) / 127.5 - 1).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)


def images(greys):
    x = torch.tensor(greys, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 2, 2).contiguous()
    return gl.Images(x, None, "greys")


def at(grey):
    """The threshold on the mean pixel between two grey values."""
    return (grey - 0.5) / 127.5 - 1


# D1 calls 100 and more real, D2 120 and more. Of ten samples G1 has 6 of at least 120, G2 3 of at least 100.
G1 = [200] * 6 + [110] * 3 + [0]
G2 = [200] * 1 + [110] * 2 + [0] * 7
TEST = images([255] * 75 + [110] * 5 + [50] * 20)  # D1 misses 20 %, D2 25 %
TRAIN = images([255] * 90 + [110] * 6 + [50] * 4)  # D1 misses 4 %, D2 10 %


def players():
    return Player(G1, at(100)), Player(G2, at(120))


def test_a_hand_computed_table():
    m1, m2 = players()
    battle = gam(m1, m2, TEST, n=200, train_images=TRAIN)
    e = battle.errors
    found = {key: (float(cell.samples), float(cell.reals)) for key, cell in e.items()}
    assert found == {
        ("D1", "G1"): (0.9, 0.04),
        ("D1", "G2"): (0.3, 0.20),
        ("D2", "G1"): (0.6, 0.25),
        ("D2", "G2"): (0.1, 0.10),
    }
    assert (e["D1", "G2"].samples.errors, e["D1", "G2"].samples.n) == (60, 200)
    assert battle.r_sample == pytest.approx(0.3 / 0.6)  # D1 on G2 over D2 on G1, and not the reverse
    assert battle.r_test == pytest.approx(0.2 / 0.25)
    assert battle.winner == "M1" and battle.told_apart
    assert battle.interval[0] < 0.5 < battle.interval[1] < 1 and battle.test_interval[0] < 0.8 < battle.test_interval[1]
    text = str(battle)
    for part in ("M1 wins", "r_sample = 0.500", "r_test = 0.800", "ε(D1(G2(z))) = 0.300", "D = ½", "200 samples"):
        assert part in text
    assert gam(m1, m2, TEST, n=200).errors["D1", "G1"].reals is None  # the verdict needs no training images
    assert gam(m1, m2, TEST, n=200, tolerance=0.2).why.startswith("r_test is not within")  # 1 / 0.8 is 1.25


def test_table_2_and_the_cycle_of_table_4():
    """The paper's printed ratios give its printed winners, and in Table 4 a cycle that the paper does not mention."""
    table2 = [  # r_test, r_sample; the second model wins every row
        (0.79, 1.75), (0.95, 1.19), (1.28, 1.001), (1.29, 1.011), (1.00, 2.289), (0.95, 13.68), (0.99, 13.97),
        (0.99, 2.38),
    ]  # fmt: skip
    assert {battle_winner(*row) for row in table2} == {"M2"}
    assert battle_winner(1.29, 1.011, tolerance=0.2) == "tie"  # what a narrower "≃" would do
    assert battle_winner(1.01, 0.94) == "M1"  # GRAN5 over GRAN7
    assert battle_winner(1.09, 1.07) == "M2"  # GRAN9 over GRAN5
    assert battle_winner(1.07, 0.95) == "M1"  # GRAN7 over GRAN9
    wins = torch.tensor([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])
    assert bradley_terry(wins).tolist() == pytest.approx([1, 1, 1])


@pytest.mark.parametrize("r_test", [0.5, 0.76, 0.78, 0.9, 1.0, 1.29, 1.31, 0.0, math.inf, math.nan])
@pytest.mark.parametrize("r_sample", [0.0, 0.2, 0.999, 1.0, 1.001, 4.0, math.inf, math.nan])
def test_swapping_ratios_swaps_the_verdict(r_test, r_sample):
    other = {"M1": "M2", "M2": "M1", "tie": "tie"}

    def inverse(r):
        return math.inf if r == 0 else 1 / r

    verdict = battle_winner(r_test, r_sample)
    assert battle_winner(inverse(r_test), inverse(r_sample)) == other[verdict]
    assert verdict == "tie" or (0.76 < r_test < 1.31 and r_sample not in (0, 1, math.inf))


def test_all_or_none_has_the_bound_of_the_binomial():
    """0 errors of n: rates above 1 - 0.025^(1/n) would give none with a chance below 2.5 %; n of n is its mirror."""
    wrong = torch.tensor([[0, 1]] * 50)
    none, every = rates.rates(wrong, rates.redrawn(wrong, seed=0))
    assert none.interval == (0, pytest.approx(1 - 0.025 ** (1 / 50))) and every.interval == (
        pytest.approx(0.025 ** (1 / 50)),
        1,
    )


def test_swapping_sides_inverts_everything():
    m1, m2 = players()
    a, b = gam(m1, m2, TEST, n=200), gam(m2, m1, TEST, n=200)
    assert (a.winner, b.winner) == ("M1", "M2") and b.told_apart
    assert (b.r_sample, b.r_test) == pytest.approx((1 / a.r_sample, 1 / a.r_test))
    assert b.interval == pytest.approx((1 / a.interval[1], 1 / a.interval[0]))
    assert b.errors["D2", "G1"] == a.errors["D1", "G2"] and b.thresholds == a.thresholds[::-1]


def test_a_model_ties_with_itself():
    m1, _ = players()
    battle = gam(m1, m1, TEST, n=50)
    assert (battle.winner, battle.r_sample, battle.r_test, battle.why) == ("tie", 1, 1, "r_sample is 1")
    assert battle.interval == (1, 1) and not battle.told_apart
    game = gl.build("vanilla", (1, 8, 8))
    real = gl.Images(torch.zeros(20, 1, 8, 8, dtype=torch.uint8), None, "black")
    assert gam(game, game, real, n=50).winner == "tie"


def test_no_error_in_a_denominator_is_a_tie_that_says_why():
    m1, m2 = players()
    blind = Player(G2, at(250))  # takes none of G1's samples for real
    battle = gam(m1, blind, TEST, n=100)
    assert battle.winner == "tie" and math.isnan(battle.r_sample) and battle.interval is None
    assert "ε(D2(G1(z))) = 0" in battle.why and "undefined" in str(battle)
    low, high = battle.errors["D2", "G1"].samples.interval  # 100 draws without an error do not prove a rate of 0
    assert (low, high) == (0, pytest.approx(1 - 0.025**0.01))
    back = gam(blind, m1, TEST, n=100)
    assert (back.winner, back.r_sample) == ("tie", 0) and "ε(D1(G2(z))) = 0" in back.why
    bright = images([255] * 40)  # no test image is missed
    battle = gam(m1, m2, bright, n=100)
    assert battle.winner == "tie" and math.isnan(battle.r_test) and "x_test" in battle.why
    assert battle.r_sample == pytest.approx(0.5)


def test_discriminators_judge_in_eval_mode_and_go_back():
    m1, m2 = players()
    m2.discriminator.eval()
    gam(m1, m2, TEST, n=20)
    assert not any(m1.discriminator.modes) and not any(m2.discriminator.modes)
    assert m1.discriminator.training and not m2.discriminator.training
    state = torch.get_rng_state()
    gam(m1, m2, TEST, n=20)
    assert torch.equal(torch.get_rng_state(), state)


def test_one_half_of_each_objective():
    """Least squares has its half at the output ½, the others with a ½ at logit 0."""
    for objective, threshold in ((NON_SATURATING, 0), (HINGE, 0), (LEAST_SQUARES, 0.5)):
        m1, m2 = Player(G1, at(100), objective, shift=threshold), Player(G2, at(120))
        battle = gam(m1, m2, TEST, n=100)
        assert battle.r_sample == pytest.approx(0.5) and battle.thresholds == (threshold, 0)


def test_a_critic_without_a_half_is_calibrated():
    """The critic's constant and scale mean nothing, so they must not change the battle."""
    grid = images(list(range(100, 256)) * 4)
    fakes = list(range(0, 156))  # reals in 100...255: equal errors at 127.5
    plain = Player(fakes, 0.0, WASSERSTEIN)
    shifted = Player(fakes, 0.0, WASSERSTEIN, shift=1000.0, scale=16.0)
    battle = gam(plain, shifted, grid, n=624)
    rate = 28 / 156
    assert float(battle.errors["D1", "G1"].samples) == pytest.approx(rate, abs=0.03)
    assert float(battle.errors["D1", "G2"].reals) == pytest.approx(rate, abs=0.06)
    assert battle.thresholds[1] == pytest.approx(1000 + 16 * battle.thresholds[0], abs=0.01)
    assert (battle.winner, battle.r_sample, battle.r_test) == ("tie", 1, 1)
    assert battle.errors["D1", "G2"].reals.n == 312  # half of the reals are kept for the threshold
    assert "calibrated on other test images and its own fakes" in str(battle)
    # a critic that separates its game completely: the middle of the gap
    sure = Player([0, 55], 0.0, WASSERSTEIN)
    threshold = gam(sure, plain, images([205, 255] * 20), n=40).thresholds[0]
    assert threshold == pytest.approx(130 / 127.5 - 1, abs=1e-5)
    # by a share of the held-out reals, also where there is a ½
    battle = gam(*players(), grid, n=100, calibrate=0.2)
    assert float(battle.errors["D1", "G2"].reals) == pytest.approx(0.2, abs=0.06) and "miss 20.0%" in str(battle)
    assert battle.errors["D1", "G2"].reals.errors == battle.errors["D2", "G1"].reals.errors


def test_a_one_sided_battle():
    m1, _ = players()
    rate = error_rate(m1, squares(G2 * 30))
    assert (rate.errors, rate.n, float(rate)) == (90, 300, 0.3) and 0.24 < rate.interval[0] < 0.3 < rate.interval[1]
    assert float(error_rate(m1, TEST)) == 0.8
    critic = Player(G1, 0.0, WASSERSTEIN)
    with pytest.raises(ValueError, match="test_images is None; pass it to calibrate"):
        error_rate(critic, squares(G2))
    assert float(error_rate(critic, squares([255, 0]), test_images=TEST)) == 0.5


@pytest.mark.parametrize("errors, n", [(120, 400), (30, 1000), (3, 50), (49, 50)])
def test_intervals_of_rates_are_those_of_the_binomial(errors, n):
    """Drawn with replacement, errors are binomial: the interval is made of that distribution's quantiles."""
    wrong = torch.arange(n)[:, None] < errors
    [rate] = rates.rates(wrong, rates.redrawn(wrong, seed=0))
    exact = binom.ppf([0.025, 0.975], n, errors / n) / n
    assert rate.interval == pytest.approx(tuple(exact), abs=0.15 * (exact[1] - exact[0]) + 1 / n)
    assert (rate.errors, rate.n) == (errors, n)


def test_intervals_of_ratios_cover_and_match_the_formula():
    generator = torch.Generator().manual_seed(1)
    p, q, n, inside = 0.2, 0.3, 500, 0
    for seed in range(100):
        wrong = torch.rand(n, 2, generator=generator) < torch.tensor([p, q])
        draws = rates.redrawn(wrong, seed)
        value, (low, high) = rates.ratio(*rates.rates(wrong, draws), draws)
        inside += low <= p / q <= high
    assert 90 <= inside <= 99  # 95, with a standard error of 2.2
    # the delta method: var log(a / b) = (1 - a) / (n a) + (1 - b) / (n b) for independent rates
    a, b = wrong.double().mean(0).tolist()
    width = 2 * 1.96 * math.sqrt((1 - a) / (n * a) + (1 - b) / (n * b))
    assert math.log(high / low) == pytest.approx(width, rel=0.1) and low < value < high


def test_a_tournament_ranks_and_is_drawn():
    """Thresholds on one generator: who calls more of the same fakes real is fooled more often."""
    fakes = list(range(0, 200, 2))
    real = images([0] * 50 + [255] * 50)  # each misses the same half
    models = {"weak": Player(fakes, at(20)), "strong": Player(fakes, at(120)), "middle": Player(fakes, at(70))}
    result = tournament(models, real, n=100)
    assert result.names == ("strong", "middle", "weak") and len(result.battles) == 6
    assert result.battles["strong", "weak"].winner == "M1" and result.battles["weak", "strong"].winner == "M2"
    assert [result.points(name) for name in result.names] == [2, 1, 0]
    same, alone = result.battles["weak", "middle"], gam(models["weak"], models["middle"], real, n=100)
    assert str(same) == str(alone)
    assert str(result).startswith("1. strong: 2 of 2")
    ax = gl.plotting.battle_matrix(result, "greys")
    assert [t.get_text() for t in ax.get_yticklabels()] == list(result.names) and len(ax.texts) == 6
    # text number 0 is the first battle, weak against strong: the row of weak is the last, strong's column the first
    assert ax.texts[0].get_position() == (0, 2) and ax.texts[0].get_text() == "0"
    plt.close("all")


def test_a_verdict_that_hangs_on_the_split_is_none(monkeypatch):
    """In four splits a beats b always and c three times; b and c tie, once because of r_test."""
    outcomes = {("a", "b"): "M1 M1 M1 M1", ("a", "c"): "M1 M1 M2 M1", ("b", "c"): "tie tie tie tie"}

    def judge(table, i, j, tolerance):
        pair, split = ("abc"[i], "abc"[j]), table.seed - 5
        winner = (outcomes.get(pair) or outcomes[pair[::-1]]).split()[split]
        winner = winner if pair in outcomes else {"M1": "M2", "M2": "M1", "tie": "tie"}[winner]
        biased = set(pair) == set("bc") and split == 1
        return SimpleNamespace(winner=winner, r_sample={"M1": 0.5, "M2": 2.0, "tie": 3.0 if biased else 1.0}[winner])

    monkeypatch.setattr(battles, "judge", judge)
    real = images([0] * 50 + [255] * 50)
    models = {name: Player([0, 255], at(100)) for name in "abc"}
    result = tournament(models, real, n=20, seed=5, splits=4)
    assert result.won == {
        ("a", "b"): 1, ("b", "a"): 0, ("a", "c"): 0.75, ("c", "a"): 0.25, ("b", "c"): 0.5, ("c", "b"): 0.5,
    }  # fmt: skip
    assert [result.verdict(*pair) for pair in (("a", "b"), ("b", "a"), ("a", "c"), ("b", "c"))] == [
        "M1", "M2", "tie", "tie",
    ]  # fmt: skip
    assert result.guarded == 2 / (4 * 6)  # seen from both sides
    assert result.points("a") == 1.75 and result.names[0] == "a" and result.splits == 4
    low, high = result.intervals["c"]
    assert low < result.strengths["c"] < high  # a bootstrap draws the split that c won none to four times
    wins = torch.tensor([[0, 1, 0.75], [0, 0, 0.5], [0.25, 0.5, 0]], dtype=torch.float64)
    assert list(result.strengths.values()) == pytest.approx(bradley_terry(wins).tolist())
    assert tournament(models, real, n=20, seed=5).intervals["c"] is None


def test_the_null():
    """Equals that differ by chance alone: Eq. 11 finds a winner, the interval does not."""
    real = images([0] * 50 + [255] * 50)
    equals = [Player(list(range(0, 200, 2)), at(100 + 2 * i)) for i in range(3)]  # rates 0.50, 0.49, 0.48
    result = null(equals, real, n=100)
    assert len(result.battles) == 3 and result.decided == 1
    logs = [math.log(b.r_sample) for b in result.battles]
    assert sorted(map(abs, logs)) == pytest.approx(sorted(map(math.log, (50 / 49, 49 / 48, 50 / 48))))
    assert result.spread == pytest.approx(math.sqrt(sum(x * x for x in logs) / 3))
    assert result.range == pytest.approx((math.exp(-2 * result.spread), math.exp(2 * result.spread)))
    assert "3 battles of equals: 100% have a winner" in str(result)
    blank = null([Player([0], at(100)), Player([0], at(100))], real, n=100)
    assert blank.decided == 0 and math.isnan(blank.spread)


def test_bradley_terry_by_hand():
    two = bradley_terry(torch.tensor([[0.0, 3], [1, 0]]), prior=0)
    assert (two[0] / two.sum()).item() == pytest.approx(0.75)  # the share of wins
    assert two.log().sum().item() == pytest.approx(0)
    # a chain of strengths 4 : 2 : 1, with wins as expected of them
    p = torch.tensor([4.0, 2, 1], dtype=torch.float64)
    wins = 30 * p[:, None] / (p[:, None] + p)
    wins.fill_diagonal_(0)
    assert bradley_terry(wins, prior=0).tolist() == pytest.approx([2, 1, 0.5])
    # one undefeated player, one game, one tie with the imagined: p solves 1.5 = p / (p + q) + p / (p + 1), q = 1 / p
    p, q = bradley_terry(torch.tensor([[0.0, 1], [0, 0]])).tolist()
    assert p * q == pytest.approx(1) and p / (p + q) + p / (p + 1) == pytest.approx(1.5)
    with pytest.raises(ValueError, match="prior is 0; some players never lost"):
        bradley_terry(torch.tensor([[0.0, 1], [0, 0]]), prior=0)
    with pytest.raises(ValueError, match="wins must be a matrix"):
        bradley_terry(torch.ones(2, 2))


def test_bad_input_is_named():
    m1, m2 = players()
    with pytest.raises(ValueError, match="model 2 is a Tensor; it must be a GAN"):
        gam(m1, squares(G1), TEST)
    with pytest.raises(ValueError, match="model 1's samples have shape .* test images, .1, 3, 3."):
        gam(m1, m2, gl.Images(torch.zeros(4, 1, 3, 3, dtype=torch.uint8), None, "large"))
    with pytest.raises(ValueError, match="train_images has shape"):
        gam(m1, m2, TEST, train_images=gl.Images(torch.zeros(4, 1, 3, 3, dtype=torch.uint8), None, "large"))
    with pytest.raises(ValueError, match="n is 1; it must be at least 2"):
        gam(m1, m2, TEST, n=1)
    with pytest.raises(ValueError, match="test_images has 1 images"):
        gam(m1, m2, TEST.take(1))
    assert gam(m1, m2, TEST.take(2), n=2).winner in ("M1", "M2", "tie")  # two of each are enough
    with pytest.raises(ValueError, match="tolerance is -0.1"):
        gam(m1, m2, TEST, tolerance=-0.1)
    with pytest.raises(ValueError, match="calibrate is 1.5; it must be True, False or a share"):
        gam(m1, m2, TEST, calibrate=1.5)
    with pytest.raises(ValueError, match="there are 1 models"):
        null([m1], TEST)
    with pytest.raises(ValueError, match="neither can be negative"):
        battle_winner(-1, 1)
    with pytest.raises(ValueError, match=r"it must lie in \[-1, 1\]"):
        error_rate(m1, squares([500]))
