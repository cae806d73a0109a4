"""Claims: the statistics against SciPy and by hand, and runs that are trained once and shared."""

import json
import math
import os
from pathlib import Path

import pytest
import scipy.stats
import torch
from safetensors import safe_open
from safetensors.torch import save_file

import ganlib as gl
from ganlib.claims import CLAIMS, claim, engine, gran, lens, queue, report, shown


def test_verdict_is_the_paired_t_interval():
    result = engine.verdict([-1.0, -2.0, -3.0])  # mean -2, standard deviation 1
    assert result["difference"] == -2
    assert result["interval"] == pytest.approx([-2 - 4.302653 / math.sqrt(3), -2 + 4.302653 / math.sqrt(3)])
    assert result["verdict"] == "undecided"
    assert engine.verdict([-1.0, -1.1, -0.9])["verdict"] == "confirmed"
    assert engine.verdict([1.0, 1.1, 0.9])["verdict"] == "refuted"
    reference = scipy.stats.t.interval(0.95, 4, loc=0.2, scale=scipy.stats.sem([0.1, 0.5, -0.3, 0.4, 0.3]))
    assert engine.verdict([0.1, 0.5, -0.3, 0.4, 0.3])["interval"] == pytest.approx(reference, rel=1e-3)
    assert engine.verdict([0.1, 0.5, -0.3, 0.4, 0.3])["p"] == pytest.approx(
        scipy.stats.ttest_1samp([0.1, 0.5, -0.3, 0.4, 0.3], 0).pvalue
    )
    same = engine.verdict([2.0, 2.0, 2.0])  # counted, say: nothing varies
    assert same["verdict"] == "refuted" and same["p"] == 0 and engine.verdict([0.0, 0.0])["p"] == 1
    with pytest.raises(ValueError, match="differences holds 1 values; there must be at least 2"):
        engine.verdict([1.0])


def test_holm_by_hand():
    assert engine.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert engine.holm([0.6, 0.9]) == [1.0, 1.0] and engine.holm([]) == []


def test_verdicts_are_corrected_within_a_paper(folders):
    """Of two claims of one paper the weaker leans; that of another paper, just as weak, needs no correction."""
    weak, strong = [-1.0, -2.0, -1.5, -0.3, -0.3], [5.0, 5.1, 5.2, 4.9, 5.0]
    assert 0.025 < engine.verdict(weak)["p"] < 0.05
    folder = folders / "results"
    folder.mkdir()
    for name, values in {
        "RA-C1": weak,
        "RA-C2": weak,
        "SV-SEQ-C1": strong,
        "SV-SEQ-C2": weak,
        "SV-MALI-C1": weak,
    }.items():
        seeds = [{"seed": i, "difference": value} for i, value in enumerate(values)]
        (folder / f"{name}.json").write_text(json.dumps({"id": name, "sentence": "kept", "seeds": seeds}))
    engine.settle(folder)
    settled = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}
    assert {name: result["verdict"] for name, result in settled.items()} == {
        "RA-C1": "leaning confirmed", "RA-C2": "leaning confirmed",
        "SV-SEQ-C1": "refuted", "SV-SEQ-C2": "confirmed", "SV-MALI-C1": "confirmed",
    }  # fmt: skip
    assert settled["RA-C1"]["p_holm"] == pytest.approx(2 * engine.verdict(weak)["p"])
    assert all(result["sentence"] == "kept" for result in settled.values())


def test_roughness():
    assert report.roughness([9.0, 0.0, 2.0, 2.0, 2.0, 2.0]) == 0  # the first half does not count
    assert report.roughness([0.0] * 4 + [1.0, 3.0, 1.0, 3.0]) == pytest.approx(2 / 2)  # steps of 2, mean size 2
    wild = [0.0] * 4 + [1.0, 3.0, 2.0, 4.0]
    assert report.roughness(wild) == pytest.approx(report.roughness([-7 * x for x in wild]))  # no unit, no sign


def test_a_constant_in_the_loss_does_not_change_its_roughness_from_rest():
    losses = [9.0] * 4 + [1.0, 3.0, 1.0, 3.0]
    assert report.roughness(losses, rest=5.0) == pytest.approx(2 / 3)  # 4, 2, 4, 2 from rest
    assert report.roughness([x + 7 for x in losses], rest=12.0) == pytest.approx(2 / 3)
    assert report.roughness([x + 7 for x in losses]) == pytest.approx(2 / 9)


@pytest.mark.parametrize(("system", "rest"), [("dcgan", 2 * math.log(2)), ("wgan", 0.0), ("wgan_gp", 0.0)])
def test_what_is_kept_of_a_loss(system, rest):
    gan = gl.build(system, (1, 16, 16), width=4)
    losses = [float(i % 3) for i in range(10)]
    kept = report.of_the_loss(gan, losses, looked=[3, 9])
    assert kept["d_loss"] == [(0 + 1 + 2 + 0) / 4, (1 + 2 + 0 + 1 + 2 + 0) / 6]  # rows 0 to 3, rows 4 to 9
    assert kept["roughness from rest"] == pytest.approx(report.roughness(losses, rest), rel=1e-6)


def test_a_meaningful_loss_has_a_high_rank_correlation():
    run = {"fid": [9.0, 5.0, 4.0, 1.0], "d_loss": [-3.0, -1.0, -0.5, -0.1]}  # minus a distance that falls with FID
    assert report.rank_correlation(run) == 1
    assert report.rank_correlation(run | {"d_loss": [-0.1, -0.5, -1.0, -3.0]}) == -1
    assert report.rank_correlation(run | {"d_loss": [-3.0, -0.5, -1.0, -0.1]}) == pytest.approx(1 - 6 * 2 / (4 * 15))


class Painted(torch.nn.Module):
    """From latents to pictures by a rule of their first number."""

    def __init__(self, rule):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.rule = rule

    def forward(self, z):
        return self.rule(z)


def painter(rule):
    return gl.GAN(Painted(rule), gl.build("dcgan", (1, 16, 16), width=4).discriminator, gl.objectives.MINIMAX, 8)


def test_a_line_that_jumps_has_a_long_step_and_one_class_has_all_the_kl():
    zero, one = gl.data.to_float(gl.load("mnist5k", size=16).x[:2])
    even = torch.linspace(-1, 1, 16).expand(1, 16, 16)
    jumps = painter(lambda z: torch.where(z[:, :1, None, None] > 0, zero, one))
    assert report.longest_step(jumps) == 1  # all of the way in one step
    slides = painter(lambda z: torch.lerp(-even, even, torch.sigmoid(z[:, :1, None, None])))
    assert 0.1 <= report.longest_step(slides) < 0.9
    assert report.class_kl(painter(lambda z: zero.expand(len(z), 1, 16, 16))) == pytest.approx(math.log(10))


def test_detail_does_not_take_contrast_for_detail():
    board = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).repeat(8, 8)[None, None] * 2 - 1
    assert gran.detail(board) == 2 and gran.detail(torch.ones(1, 1, 4, 4)) == 0
    faint = torch.tanh(torch.atanh(board.clamp(-0.9, 0.9)) / 5)
    torch.testing.assert_close(gran.stretched(faint, board.clamp(-0.9, 0.9)).float(), board.clamp(-0.9, 0.9))


def test_a_judge_that_learns_by_heart_leaves_its_generator_alone():
    game = gl.build("dcgan", (1, 16, 16), width=4)
    before = {name: value.clone() for name, value in game.state_dict().items()}
    few = gl.load("mnist5k", size=16).take(30)
    after = gran.learnt(game, few, updates=60)
    assert all(torch.equal(before[name], value) for name, value in game.state_dict().items())
    moved = {name.split(".")[0] for name, value in after.state_dict().items() if not torch.equal(before[name], value)}
    assert moved == {"discriminator"}
    x = gl.data.to_float(few.x)
    with torch.no_grad():
        scores = [
            (g.discriminator.eval()(x) - g.discriminator(g.sample(200, seed=0)).mean()).mean() for g in (game, after)
        ]
    assert scores[1] > scores[0] + 1  # it has learnt to tell the thirty from the fakes


def test_thirds_and_looks_of_a_run():
    run = {"fid": [6.0, 5.0, 4.0, 3.0, 2.0, 1.0], "steps": [100, 200, 300, 400, 500, 600], "shift": [0.4, 0.2, 0.1]}
    assert [lens.third(run, i) for i in range(3)] == [[6, 5], [4, 3], [2, 1]]
    assert lens.at(run, "shift", 0.5) == 0.2 and lens.at(run, "fid", 0.75) == 2.0


@pytest.fixture
def folders(monkeypatch, tmp_path):
    monkeypatch.setattr(engine, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(engine, "RESULTS", tmp_path / "results")
    return tmp_path


def test_a_claim_takes_the_better_rival_of_each_seed(folders, monkeypatch):
    figures = {"dcgan": [3.0, 4.0, 5.0], "wgan": [4.0, 9.0, 5.5], "wgan_gp": [9.0, 4.5, 9.0]}
    monkeypatch.setattr(engine, "train", lambda arm, seed: {"fid": [figures[arm][seed]]})
    result = engine.test(CLAIMS["RA-C2"], seeds=3)
    assert [row["difference"] for row in result["seeds"]] == [-1.0, -0.5, -0.5]
    written = json.loads((folders / "results" / "RA-C2.json").read_text())
    assert written["difference"] == result["difference"] and written["verdict"] == result["verdict"]
    heading, _, _, _, line = engine.table().splitlines()
    assert heading == "### RA: Recent advances (Frank and Juracek)"
    assert (
        line.startswith("| RA-C2: over the run DCGAN")
        and "mean_fid of dcgan against wgan or wgan_gp | -0.667 [-1.38, +0.0504]" in line
    )


def test_a_spread_compares_distances_from_the_median(folders, monkeypatch):
    figures = {"dcgan, lens": [3.0, 4.0, 6.0], "dcgan, no lens": [1.0, 5.0, 9.0]}
    monkeypatch.setattr(engine, "train", lambda arm, seed: {"fid": [figures[arm][seed]]})
    result = engine.test(CLAIMS["TA-C3"], seeds=3)
    assert [row["difference"] for row in result["seeds"]] == [1.0 - 4.0, 0.0, 2.0 - 4.0]


def test_a_spread_has_half_more_seeds_and_its_arms_serve_the_other_claims_too():
    assert CLAIMS["TA-C3"].needs(10) == 15 and CLAIMS["TA-C1a"].needs(10) == 10  # both compare these two arms
    both = [("dcgan, lens", seed) for seed in range(15)] + [("dcgan, no lens", seed) for seed in range(15)]
    assert queue.runs([CLAIMS["TA-C3"], CLAIMS["TA-C1a"]], 10) == both
    assert queue.runs([CLAIMS["TA-C1a"], CLAIMS["TA-C3"]], 10) == both
    assert len(queue.runs([CLAIMS["TA-C1a"]], 10)) == 20


def test_a_claim_without_rivals_is_held_against_its_limit(folders, monkeypatch):
    monkeypatch.setattr(engine, "train", lambda arm, seed: {"fid": [1.0], "shift": [0.5, 0.01 * seed]})
    with pytest.raises(ValueError, match="seeds is 1; it must be at least 2"):
        engine.test(CLAIMS["TA-C4"], 1)
    result = engine.test(CLAIMS["TA-C4"], seeds=3)
    assert [row["difference"] for row in result["seeds"]] == pytest.approx([-0.02, -0.01, 0.0])


def test_arm_and_rival_may_be_measured_differently(folders, monkeypatch):
    monkeypatch.setattr(engine, "train", lambda arm, seed: {"fid": [5.0 + seed], "fid_0": [9.0], "fid_1": [7.0]})
    result = engine.test(CLAIMS["CG-C1"], seeds=3)  # the last editor against the base of one run
    assert [row["difference"] for row in result["seeds"]] == [-4.0, -3.0, -2.0]
    assert list(result["runs"]) == ["chain"]
    assert result["seeds"][0]["base_fid of chain"] == 9.0 and result["seeds"][0]["last_fid of chain"] == 5.0
    assert "last_fid of chain against base_fid of chain" in engine.table()


def test_a_battle_is_between_the_games_of_one_seed(folders, monkeypatch):
    met = []
    monkeypatch.setattr(engine, "train", lambda arm, seed: {"fid": [1.0]})
    monkeypatch.setattr(engine, "trained", lambda arm, seed: (arm, seed))
    monkeypatch.setitem(engine.BATTLES, "log_r_sample", lambda a, b, test: met.append((a, b)) or -1.0 - a[1])
    result = engine.test(CLAIMS["GR-C5"], seeds=3)
    assert met == [(("GRAN5", seed), ("GRAN3", seed)) for seed in range(3)]
    assert [row["difference"] for row in result["seeds"]] == [-1.0, -2.0, -3.0]
    met.clear()
    result = engine.test(CLAIMS["GR-C5"], seeds=4)  # what is recorded of the same runs is not fought again
    assert met == [(("GRAN5", 3), ("GRAN3", 3))]
    assert [row["difference"] for row in result["seeds"]] == [-1.0, -2.0, -3.0, -4.0]
    monkeypatch.setattr(engine, "train", lambda arm, seed: {"fid": [1.0 + (seed == 1)]})
    engine.test(CLAIMS["GR-C5"], seeds=3)
    assert met[1:] == [(("GRAN5", 1), ("GRAN3", 1))]  # seed 1 has other runs by now


def test_log_r_sample_is_below_0_for_the_side_that_is_fooled_less():
    """D says real where the mean pixel is high; m1's fakes are bright enough to pass, m2's are not."""

    class Mean(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones(()))

        def forward(self, x):
            return self.scale * x.mean(dim=(1, 2, 3))

    class Grey(torch.nn.Module):
        def __init__(self, level):
            super().__init__()
            self.level = torch.nn.Parameter(torch.tensor(level))

        def forward(self, z):
            return self.level.expand(len(z), 1, 16, 16)

    bright, dark = (gl.GAN(Grey(level), Mean(), gl.objectives.NON_SATURATING, 2) for level in (0.9, -1.0))
    test = gl.load("mnist5k", split="test", size=16)
    n = engine.SIZE["n"]
    wanted = math.log(0.5 / (n + 0.5))  # bright's D passes none of dark's fakes, dark's D all of bright's
    assert gran.log_r_sample(bright, dark, test) == pytest.approx(wanted)
    assert gran.log_r_sample(dark, bright, test) == pytest.approx(-wanted)
    assert gran.log_r_sample(bright, bright, test) == 0


def test_a_trained_game_is_the_one_that_was_measured(folders, monkeypatch):
    monkeypatch.setitem(engine.SIZE, "updates", 20)
    monkeypatch.setitem(engine.SIZE, "n", 100)
    run, gan = engine.train("GRAN1", 2), engine.trained("GRAN1", 2)
    test = gl.load("mnist5k", split="test", size=16)
    assert gl.metrics.fid(gan, test, n=100).value == pytest.approx(run["fid"][-1], rel=1e-6)


def test_figures_in_the_results_need_no_new_run(folders, monkeypatch):
    original = engine.train
    monkeypatch.setattr(engine, "train", lambda arm, seed: {"seed": seed, "fid": [4.0 + seed], "seconds": 1.0})
    engine.test(CLAIMS["RA-C3"], 2)
    engine.test(CLAIMS["RA-C2"], 3)
    assert engine.recall() == 3 * 3  # of three arms three seeds, each once
    assert queue.missing(queue.runs([CLAIMS["RA-C3"]], 4)) == [("wgan_gp", 3), ("wgan", 3)]
    assert engine.recall() == 0
    monkeypatch.setattr(engine, "train", original)
    monkeypatch.setattr(engine, "fit", None)
    assert engine.train("wgan", 1)["fid"] == [5.0]
    for path in engine.RUNS.iterdir():
        path.unlink()
    newer = json.loads((engine.RESULTS / "RA-C3.json").read_text())  # it is read after RA-C2, which lacks the measure
    for run in newer["runs"]["wgan"]:
        run["modes"] = [10.0]
    (engine.RESULTS / "RA-C3.json").write_text(json.dumps(newer))
    assert engine.recall() == 3 * 3
    assert ["modes" in engine.train("wgan", seed) for seed in range(3)] == [True, True, False]
    for path in engine.RUNS.iterdir():
        path.unlink()
    monkeypatch.setitem(engine.ARMS, "wgan", engine.ARMS["wgan"] | {"lr": 1.0})  # no longer the arm that was run
    assert engine.recall() == 2 * 3


def test_a_game_whose_figures_alone_were_recalled_is_trained(folders, monkeypatch):
    monkeypatch.setitem(engine.SIZE, "n", 100)
    monkeypatch.setitem(engine.ARMS, "short", dict(system="dcgan", updates=20))
    figures = Path(f"{engine.where('short', 0)}.json")
    figures.parent.mkdir(parents=True)
    figures.write_text('{"fid": [1.0]}')
    assert engine.trained("short", 0).sample(2).shape == (2, 1, 16, 16)
    assert json.loads(figures.read_text())["fid"] != [1.0]


def test_kept_weights_build_the_game_again(folders, monkeypatch):
    monkeypatch.setattr(engine, "WEIGHTS", folders / "weights")
    monkeypatch.setitem(engine.SIZE, "updates", 20)
    monkeypatch.setitem(engine.SIZE, "n", 100)
    engine.keep("GRAN1", 1)
    gan, kept = engine.trained("GRAN1", 1), engine.kept("GRAN1", 1)
    torch.testing.assert_close(kept.sample(4, seed=0), gan.sample(4, seed=0), rtol=0, atol=0.02)  # float16
    x = gan.sample(4, seed=0)
    torch.testing.assert_close(kept.discriminator.eval()(x), gan.discriminator.eval()(x), rtol=0.02, atol=0.02)
    path = folders / "weights" / "GRAN1-seed1.safetensors"
    assert path.stat().st_size < 2**20
    engine.keep("GRAN1", 2, opponent=False)
    alone = engine.kept("GRAN1", 2)
    said, settings = engine.about("GRAN1", 2), engine.ARMS["GRAN1"]  # the arm's own where it has them
    assert (said["width"], said["updates"], said["batch"], said["size"]) == (
        settings["width"], settings["updates"], engine.SIZE["batch"], 16
    )  # fmt: skip
    mean = engine.trained("GRAN1", 2).sample(4, seed=0)
    torch.testing.assert_close(alone.sample(4, seed=0), mean, rtol=0, atol=0.02)  # the average's, not the last weights'
    with safe_open(folders / "weights" / "GRAN1-seed2.safetensors", "pt") as file:
        assert not any(name.startswith("discriminator") for name in file.keys())  # noqa: SIM118
    with safe_open(path, "pt") as file:
        tensors, notes = {name: file.get_tensor(name) for name in list(file.keys())[1:]}, file.metadata()
    save_file(tensors, path, notes)
    with pytest.raises(ValueError, match="the weights of GRAN1, seed 1 lack "):
        engine.kept("GRAN1", 1)


def test_kept_weights_that_were_damaged_are_named(folders, monkeypatch):
    """One flipped bit in the middle of a file that is listed; keeping the game again lists it anew."""
    weights = folders / "weights"
    weights.mkdir()
    (weights / "SHA256SUMS").write_text(f"{'0' * 64}  another\n", encoding="utf-8")
    monkeypatch.setattr(engine, "WEIGHTS", weights)
    monkeypatch.setitem(engine.SIZE, "updates", 20)
    monkeypatch.setitem(engine.SIZE, "n", 100)
    engine.keep("GRAN1", 1)
    engine.kept("GRAN1", 1)
    path = weights / "GRAN1-seed1.safetensors"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="GRAN1-seed1.safetensors is damaged: its SHA-256 is not the one in"):
        engine.kept("GRAN1", 1)
    engine.keep("GRAN1", 1)
    engine.kept("GRAN1", 1)
    listed = [line.split("  ", 1)[1] for line in (weights / "SHA256SUMS").read_text(encoding="utf-8").splitlines()]
    assert listed == ["GRAN1-seed1.safetensors", "another"]


def test_every_arm_of_digits_is_built_from_its_data_and_from_its_shape():
    for arm, settings in engine.ARMS.items():
        if settings.get("data", "mnist5k") == "mnist5k":
            gan, images, _ = engine.start(arm, 0)
            again = engine.make(engine.recipe(arm, images.shape))
            assert list(gan.state_dict()) == list(again.state_dict())


def test_the_gallery_learns_from_no_digit_that_it_is_tested_on(monkeypatch):
    test, others = gl.load("mnist5k", "test", 32), gl.load("mnist5k", "train", 32)
    mixed = torch.cat([others.x[:40], test.x[:30], others.x[40:70], test.x[30:]])
    parts = {"mnist5k": test, "mnist": gl.Images(mixed)}
    monkeypatch.setattr(shown, "load", lambda name, split, size: parts[name])
    assert torch.equal(shown.all_digits("train", 16).x, others.x[:70])  # and the rest is kept, in its order
    assert shown.all_digits("test", 16) is test


def test_arms_of_one_seed_start_alike():
    """The lens draws its weights last, so the players' are those of the arm without it."""
    pairs = [("dcgan, lens", "dcgan, no lens"), ("lsgan with a sigmoid, lens, colour", "lsgan, no lens, colour")]
    for one, other in pairs:
        a, b = (engine.start(arm, 3)[0].generator.state_dict() for arm in (one, other))
        assert all(torch.equal(a[key], b[key]) for key in a)
    paths = {engine.where(arm, 0) for arm in engine.ARMS}
    assert len(paths) == len(engine.ARMS)  # no arm overwrites another's run


def test_runs_are_trained_once_and_go_on_where_they_were_stopped(folders, monkeypatch):
    fits = []
    original = engine.fit

    def stopped(gan, images, steps, *args, **kwargs):
        fits.append(steps)
        original(gan, images, 20, *args, **kwargs)
        raise RuntimeError("the machine went down")

    monkeypatch.setitem(engine.SIZE, "updates", 40)
    monkeypatch.setitem(engine.SIZE, "n", 100)
    straight = engine.train("dcgan", 1)
    for path in engine.RUNS.iterdir():
        path.unlink()
    monkeypatch.setattr(engine, "fit", stopped)
    with pytest.raises(RuntimeError):
        engine.train("dcgan", 1)
    # Ctrl-C: fit gives back what it has, and that is not a finished run
    monkeypatch.setattr(engine, "fit", lambda gan, images, steps, *args, **kw: original(gan, images, 20, *args, **kw))
    with pytest.raises(KeyboardInterrupt):
        engine.train("dcgan", 1)
    monkeypatch.setattr(engine, "fit", original)
    resumed = engine.train("dcgan", 1)
    assert resumed["fid"][-1] == straight["fid"][-1] and resumed["roughness"] == straight["roughness"]
    monkeypatch.setattr(engine, "fit", None)  # finished: nothing is trained again
    assert engine.train("dcgan", 1) == resumed
    assert sorted(path.suffix for path in engine.RUNS.iterdir()) == [".json", ".pt"]


def test_a_run_that_diverges_is_a_result(folders, monkeypatch):
    monkeypatch.setitem(engine.SIZE, "updates", 20)
    monkeypatch.setitem(engine.SIZE, "n", 100)
    monkeypatch.setitem(engine.ARMS, "wild", dict(system="wgan", lr=1e38))
    run = engine.train("wild", 0)
    assert 1 <= run["diverged"] <= 20 and run["seed"] == 0 and "fid" not in run
    assert engine.train("wild", 0) == run  # kept, and not tried again


def test_a_run_that_diverged_counts_as_the_worst(folders, monkeypatch):
    figures = {
        "dcgan": [{"fid": [3.0]}, {"diverged": 7}, {"fid": [5.0]}],
        "wgan": [{"fid": [4.0]}, {"fid": [9.0]}, {"diverged": 2}],
    }
    figures["wgan_gp"] = [{"fid": [8.0]}, {"fid": [8.5]}, {"fid": [8.0]}]
    monkeypatch.setattr(engine, "train", lambda arm, seed: figures[arm][seed])
    rows = engine.test(CLAIMS["RA-C2"], seeds=3)["seeds"]
    assert [row["difference"] for row in rows] == [3 - 4, 9 - 8.5, 5 - 8]  # 9 is the worst of all nine
    assert rows[1]["dcgan"] == rows[2]["wgan"] == 9


CLAIM_OF_TWO = claim.Claim("X-C1", "the second stage is better", "two stages", ("Stage I",), "last_fid")


def test_the_queue_has_each_run_once_and_the_stages_in_order(folders):
    wanted = queue.missing(queue.runs([CLAIMS["RA-C1a"], CLAIMS["RA-C3"], CLAIM_OF_TWO], 2))
    assert sorted(wanted) == sorted(
        (arm, seed)
        for arm in ("wgan", "dcgan", "wgan_gp", "Stage I", "Stage I, half as long", "two stages")
        for seed in (0, 1)
    )
    assert [arm for arm, _ in wanted[-2:]] == ["two stages"] * 2  # on top of the run of another arm
    for run in (("two stages", 0), ("Stage I", 0), ("Stage I", 1)):
        path = Path(f"{engine.where(*run)}.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    # where the upper run is there, nobody needs the one below it
    left = queue.missing(queue.runs([CLAIM_OF_TWO], 2))
    assert left == [("Stage I, half as long", 1), ("two stages", 1)]


def test_the_plan_counts_what_is_missing(folders, monkeypatch):
    monkeypatch.setattr(
        engine, "train", lambda arm, seed: {"fid": [1.0 + seed], "seconds": 60.0 if arm == "wgan" else 30.0}
    )
    engine.test(CLAIMS["RA-C3"], 3)
    done = Path(f"{engine.where('wgan', 1)}.json")
    done.parent.mkdir(parents=True)
    done.write_text("{}")
    lines = queue.plan([CLAIMS["RA-C2"]], seeds=4, jobs=2).splitlines()
    # of wgan three runs of a minute, of wgan_gp four of half a minute; of dcgan nothing is known but the mean, 45 s
    assert [line.split()[:3] for line in lines[1:]] == [
        ["4", "3.0", "dcgan"], ["3", "3.0", "wgan"], ["4", "2.0", "wgan_gp"], ["11", "8.0", "in"],
    ]  # fmt: skip
    assert "dcgan (a guess" in lines[1] and lines[-1].endswith("with 2 at a time 4 minutes")


@pytest.mark.skipif(os.name != "posix", reason="forks")
def test_the_queue_trains_what_is_missing_and_goes_on_after_a_failure(folders, monkeypatch, capfd):
    def train(arm, seed):
        if (arm, seed) == ("wgan", 1):
            os._exit(3)
        path = Path(f"{engine.where(arm, seed)}.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"fid": [float(seed)], "by": os.getpid(), "threads": torch.get_num_threads()}))
        return json.loads(path.read_text())

    monkeypatch.setattr(engine, "train", train)
    train("wgan_gp", 0)
    assert queue.train_all([CLAIMS["RA-C3"]], seeds=2, jobs=2) == [("wgan", 1)]
    assert queue.missing(queue.runs([CLAIMS["RA-C3"]], 2)) == [("wgan", 1)]
    found = {
        run: json.loads(Path(f"{engine.where(*run)}.json").read_text())
        for run in (("wgan", 0), ("wgan_gp", 1), ("wgan_gp", 0))
    }
    assert len({run["by"] for run in found.values()}) == 3 and found["wgan_gp", 0]["by"] == os.getpid()
    assert found["wgan", 0]["threads"] == found["wgan_gp", 1]["threads"] == 1
    out = capfd.readouterr().out
    assert "3 of 3, about 0 min left" in out and "wgan, seed 1 FAILED (exit 3)" in out and "wgan_gp, seed 0" not in out
    queue.test_all([CLAIMS["RA-C3"]], seeds=2, jobs=1)
    assert "RA-C3: not tested, a run of it failed" in capfd.readouterr().out
    assert not (engine.RUNS / "results").exists()
