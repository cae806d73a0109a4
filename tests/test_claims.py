"""Claims: the statistics against SciPy and by hand, and runs that are trained once and shared."""

import json
import math

import pytest
import scipy.stats

from ganlib import claims


def test_t_quantiles():
    for degrees, quantile in enumerate(claims.T95, start=1):
        assert quantile == pytest.approx(scipy.stats.t.ppf(0.975, degrees), abs=5e-4)


def test_verdict_is_the_paired_t_interval():
    result = claims.verdict([-1.0, -2.0, -3.0])  # mean -2, standard deviation 1
    assert result["difference"] == -2
    assert result["interval"] == pytest.approx([-2 - 4.303 / math.sqrt(3), -2 + 4.303 / math.sqrt(3)])
    assert result["verdict"] == "undecided"
    assert claims.verdict([-1.0, -1.1, -0.9])["verdict"] == "confirmed"
    assert claims.verdict([1.0, 1.1, 0.9])["verdict"] == "refuted"
    reference = scipy.stats.t.interval(0.95, 4, loc=0.2, scale=scipy.stats.sem([0.1, 0.5, -0.3, 0.4, 0.3]))
    assert claims.verdict([0.1, 0.5, -0.3, 0.4, 0.3])["interval"] == pytest.approx(reference, rel=1e-3)
    with pytest.raises(ValueError, match="differences holds 1 values; there must be 2 to 15"):
        claims.verdict([1.0])


def test_roughness():
    assert claims.roughness([9.0, 0.0, 2.0, 2.0, 2.0, 2.0]) == 0  # the first half does not count
    assert claims.roughness([0.0] * 4 + [1.0, 3.0, 1.0, 3.0]) == pytest.approx(2 / 2)  # steps of 2, mean size 2
    wild = [0.0] * 4 + [1.0, 3.0, 2.0, 4.0]
    assert claims.roughness(wild) == pytest.approx(claims.roughness([-7 * x for x in wild]))  # no unit, no sign


@pytest.fixture
def folders(monkeypatch, tmp_path):
    monkeypatch.setattr(claims, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(claims, "RESULTS", tmp_path / "results")
    return tmp_path


def test_a_claim_takes_the_better_rival_of_each_seed(folders, monkeypatch):
    figures = {"dcgan": [3.0, 4.0, 5.0], "wgan": [4.0, 9.0, 5.5], "wgan_gp": [9.0, 4.5, 9.0]}
    monkeypatch.setattr(claims, "train", lambda arm, seed: {"fid": [figures[arm][seed]]})
    result = claims.test(claims.CLAIMS["RA-C2"], seeds=3)
    assert [row["difference"] for row in result["seeds"]] == [-1.0, -0.5, -0.5]
    written = json.loads((folders / "results" / "RA-C2.json").read_text())
    assert written["difference"] == result["difference"] and written["verdict"] == result["verdict"]
    line = claims.table().splitlines()[2]
    assert (
        line.startswith("| RA-C2: DCGAN reaches")
        and "mean_fid of dcgan against wgan or wgan_gp | -0.67 [-1.38, +0.05]" in line
    )


def test_runs_are_trained_once_and_go_on_where_they_were_stopped(folders, monkeypatch):
    fits = []
    original = claims.fit

    def stopped(gan, images, steps, *args, **kwargs):
        fits.append(steps)
        original(gan, images, 20, *args, **kwargs)
        raise RuntimeError("the machine went down")

    monkeypatch.setitem(claims.SIZE, "updates", 40)
    monkeypatch.setitem(claims.SIZE, "n", 100)
    straight = claims.train("dcgan", 1)
    for path in claims.RUNS.iterdir():
        path.unlink()
    monkeypatch.setattr(claims, "fit", stopped)
    with pytest.raises(RuntimeError):
        claims.train("dcgan", 1)
    monkeypatch.setattr(claims, "fit", original)
    resumed = claims.train("dcgan", 1)
    assert resumed["fid"][-1] == straight["fid"][-1] and resumed["roughness"] == straight["roughness"]
    monkeypatch.setattr(claims, "fit", None)  # finished: nothing is trained again
    assert claims.train("dcgan", 1) == resumed
    assert [path.suffix for path in claims.RUNS.iterdir()] == [".json"]
