"""Pictures hold the right pixels."""

import json
import math

import matplotlib.pyplot as plt
import pytest
import torch

import ganlib as gl
from ganlib import live, plotting
from ganlib.claims import engine


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_tile_places_every_image():
    images = torch.linspace(-1, 1, 5).view(5, 1, 1, 1).expand(5, 1, 2, 3)
    sheet = plotting.tile(images, columns=3, gap=1)
    assert sheet.shape == (5, 11, 1)  # two rows of three, one pixel between
    for i, shade in enumerate([0, 0.25, 0.5, 0.75, 1.0]):
        top, left = i // 3 * 3, i % 3 * 4
        assert (sheet[top : top + 2, left : left + 3] == shade).all()
    assert (sheet[2] == 1).all() and (sheet[:, 3] == 1).all()  # the gaps
    assert plotting.tile(torch.full((1, 3, 2, 2), 7.0)).max() == 1  # out of range is clipped, not rescaled


def test_show_does_not_stretch_contrast():
    ax = plotting.show(torch.zeros(1, 1, 4, 4))
    assert ax.images[0].get_clim() == (0, 1) and float(ax.images[0].get_array()[0, 0].item()) == 0.5


def test_curves_skip_missing_numbers():
    history = gl.History()
    for step, row in ((2, {"d_loss": 1.0}), (4, {"d_loss": 0.5, "fid": 9.0}), (6, {"d_loss": 0.25})):
        history.append(step, row, 0.0)
    assert math.isnan(history["fid"][0])
    ax = plotting.curves(history, "d_loss", "fid")
    assert [line.get_xydata().tolist() for line in ax.lines] == [[[2, 1], [4, 0.5], [6, 0.25]], [[4, 9]]]
    assert ax.get_xlabel() == "generator updates" and [t.get_text() for t in ax.get_legend().get_texts()] == [
        "d_loss",
        "fid",
    ]


def test_interpolation_goes_straight_from_end_to_end():
    gan = gl.build("vanilla", (1, 8, 8), width=8)
    state = torch.get_rng_state()
    lines = plotting.interpolation(gan, n=5, pairs=2, seed=1)
    assert lines.shape == (2, 5, 1, 8, 8) and torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(1)
    a, b = gan.latent(4).view(2, 2, -1)
    torch.testing.assert_close(lines[:, 0], gan.generate(a))
    torch.testing.assert_close(lines[:, -1], gan.generate(b))
    torch.testing.assert_close(lines[:, 2], gan.generate((a + b) / 2))


def test_strip_has_a_row_for_each_label():
    figure = plotting.strip({"real": torch.zeros(4, 1, 8, 8), "fake": torch.ones(3, 1, 8, 8)}, title="both")
    assert [ax.texts[0].get_text() for ax in figure.axes] == ["real", "fake"]


def test_the_title_of_a_tall_strip_and_its_labels_stay_clear_of_the_pictures():
    figure = plotting.strip({f"a label, {i}": -torch.ones(10, 1, 8, 8) for i in range(12)}, title="both")
    figure.canvas.draw()
    first, title = figure.axes[0].get_window_extent(), figure._suptitle.get_window_extent()
    assert title.y0 >= first.y1 and title.y1 <= figure.bbox.y1
    assert all(0 <= ax.texts[0].get_window_extent().x0 for ax in figure.axes)


def test_live_display_shows_bar_losses_scores_and_samples(monkeypatch, tmp_path):
    class Handle:
        def __init__(self):
            self.shown = []

        def update(self, content, raw=False):
            self.shown.append(content)

    import IPython.display

    handles, drawn = [], []

    def display(*_, **__):
        handles.append(Handle())
        return handles[-1]

    monkeypatch.setattr(live, "_in_notebook", lambda: True)
    monkeypatch.setattr(live.Live, "PAUSE", 0.0)
    monkeypatch.setattr(IPython.display, "display", display)
    original = plotting.png
    monkeypatch.setattr(
        live, "png", lambda figure: drawn.append([a.get_title() for a in figure.axes]) or original(figure)
    )
    images = gl.load("mnist5k", size=8)
    gan = gl.build("vanilla", images.shape, width=8)
    gl.fit(gan, images, 40, 16, every=2, monitors=[gl.Monitor("score", lambda gan: 1.0, every=20)])
    bar, picture = handles
    assert 10 <= len(bar.shown) <= 14 and len(picture.shown) == len(bar.shown) - 1
    assert "40 of 40 updates" in bar.shown[-1]["text/plain"] and "done; d_loss" in bar.shown[-1]["text/plain"]
    assert drawn[0] == ["losses", "samples after 2 updates"]
    assert drawn[-1] == ["losses", "what is monitored", "samples after 40 updates"]

    def stop(batches):
        raise KeyboardInterrupt

    gl.fit(gan, images, 40, 16, every=2, checkpoint=tmp_path / "run.pt")
    gan.step = stop  # after a resume, before anything was trained
    history = gl.fit(gan, images, 80, 16, every=2, checkpoint=tmp_path / "run.pt")
    assert history.steps[-1] == 40 and "stopped; d_loss" in handles[-2].shown[-1]["text/plain"]


def shown(call):
    """The sentences that a call says."""
    sentences = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plotting, "say", lambda text, *values: sentences.append(text.format(*values)))
        call()
    return sentences


def test_a_table_has_a_row_for_each_name():
    rows = {"real": {"error": 0.0, "spread": 0.25}, "made": {"error": 0.12345, "spread": 2.0}}
    (text,) = shown(lambda: plotting.table(rows))
    assert text.splitlines() == [
        "| | error | spread |", "| --- | --- | --- |", "| real | 0.000 | 0.250 |", "| made | 0.123 | 2.000 |",
    ]  # fmt: skip
    assert shown(lambda: plotting.table(rows, 1))[0].endswith("| made | 0.1 | 2.0 |")


def test_a_claim_is_told_with_its_interval(monkeypatch, tmp_path):
    (tmp_path / "claims").mkdir()
    monkeypatch.setattr(plotting, "BUNDLED", tmp_path)
    result = dict(
        id="X-C1", verdict="refuted", sentence="a is less", measure="error", spread=True, arm="a", rivals=["b", "c"],
        rival_measure=None, limit=None, difference=0.5, interval=[0.25, 0.75], seeds=[{}] * 10,
    )  # fmt: skip
    (tmp_path / "claims" / "X-C1.json").write_text(json.dumps(result))
    other = result | dict(id="Y-C1", spread=False, rivals=["a"], rival_measure="1.1 error")
    (tmp_path / "claims" / "Y-C1.json").write_text(json.dumps(other))
    assert shown(lambda: plotting.told("X-")) == [
        "**X-C1, refuted:** a is less. (spread of error; a − b or c: +0.5 [+0.25, +0.75], 10 paired seeds.)"
    ]
    assert "(error; a − 1.1 error of a: +0.5" in shown(lambda: plotting.told("Y-"))[0]


def test_a_forest_has_a_line_for_each_claim_and_hollow_marks_that_lean():
    """In standard deviations between seeds: differences of 1, 2 and 3 have mean 2 and deviation 1."""
    rows = [{"difference": value} for value in (1.0, 2.0, 3.0)]
    low, high = engine.interval([1.0, 2.0, 3.0])[1:]
    result = dict(seeds=rows, difference=2.0, interval=[low, high], verdict="leaning refuted")
    far = dict(seeds=rows, difference=20.0, interval=[19.0, 21.0], verdict="refuted")
    figure = plotting.forest({"A-C1": result, "A-C2": far})
    (ax,) = figure.axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["A-C1", "A-C2"]
    marks = [line for line in ax.get_lines() if line.get_marker() not in ("None", "")]
    assert marks[0].get_xdata()[0] == pytest.approx(2.0) and marks[0].get_markerfacecolor() == "white"
    assert marks[1].get_xdata()[0] == 5.0 and marks[1].get_marker() == ">", "beyond the limit: an arrow at it"
    plotting.plt.close(figure)


def test_a_network_is_drawn_from_itself():
    game = gl.build("dcgan", (1, 16, 16), width=4, latent_dim=10)
    before = {name: value.clone() for name, value in game.state_dict().items()}
    ax = gl.plotting.network(game.discriminator, torch.zeros(1, 1, 16, 16), title="D")
    texts = [text.get_text() for text in ax.texts if text.get_text()]
    sizes = [text for text in texts if not text[0].isalpha()]
    assert sizes == ["1×16×16", "4×8×8", "8×4×4", "128", "1"] and ax.get_title() == "D"
    layers = [text for text in texts if text[0].isalpha()]
    assert layers[0] == "Conv\n4×4, stride 2\nLeakyReLU"
    assert layers[1] == "Conv\n4×4, stride 2\nBatchNorm\nLeakyReLU" and layers[-1] == "Linear"
    assert all(torch.equal(before[name], value) for name, value in game.state_dict().items())  # not even its averages
    assert game.discriminator.training and not game.discriminator.features[0]._forward_hooks
    sides = {size: patch.get_height() for size, patch in zip(sizes, ax.patches)}
    assert sides["1×16×16"] > sides["4×8×8"] > sides["8×4×4"] > sides["1"]
    plt.close("all")


def test_told_takes_a_whole_number(monkeypatch, tmp_path, capsys):
    (tmp_path / "claims").mkdir()
    seeds = [{"difference": 1.0}, {"difference": 2.0}]
    base = dict(
        verdict="undecided",
        sentence="so it is",
        measure="m",
        spread=False,
        rival_measure=None,
        arm="a",
        rivals=["b"],
        seeds=seeds,
    )
    for id in ("GR-C1a", "GR-C1b", "GR-C10", "GR-C2"):
        result = base | dict(id=id, difference=1.5, interval=[0.0, 3.0])
        (tmp_path / "claims" / f"{id}.json").write_text(json.dumps(result))
    monkeypatch.setattr(plotting, "BUNDLED", tmp_path)
    said = []
    monkeypatch.setattr(plotting, "say", lambda text, id, *rest: said.append(id))
    for prefix in ("GR-C1", "GR-C10", "GR"):
        plotting.told(prefix)
    assert said == ["GR-C1a", "GR-C1b", "GR-C10", "GR-C10", "GR-C1a", "GR-C1b", "GR-C2"]
