"""Several processes against one: the same updates, one set of files."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import ganlib as gl
from ganlib import parallel

SHAPE = (1, 16, 16)

# What every process runs; one process alone is the reference.
CODE = f"""
import sys, time, torch
import ganlib as gl
from ganlib import checkpoints, parallel
write = checkpoints.write
checkpoints.write = lambda *what: (time.sleep(0.3), write(*what))  # a slow disk
parallel.start()
torch.set_num_threads(1)
images = gl.load("mnist5k", size={SHAPE[1]}).take(64)
gl.seed_everything(0)
gan = gl.build("dcgan", {SHAPE}, width=8)
monitor = gl.Monitor("fid", lambda gan: gl.metrics.fid(gan, images, n=25), every=2)
history = gl.fit(gan, images, 4, 8, every=2, monitors=[monitor], checkpoint=sys.argv[1] + "/run.pt")
history = gl.fit(gan, images, 8, 8, every=2, monitors=[monitor], checkpoint=sys.argv[1] + "/run.pt")  # goes on
if parallel.size() > 1:
    for p in [*gan.parameters(), *gan.buffers()]:
        both = parallel.gather(p.detach()[None].contiguous())
        assert torch.equal(both[0], both[1])
    rows = parallel.gather(torch.tensor([history.rows[-1]["d_loss"], history.rows[-1]["fid"]])[None])
    assert torch.equal(rows[0], rows[1])
if parallel.rank() == 0:
    torch.save(history.rows, sys.argv[1] + "/rows.pt")
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The folders of a run in one process and of one in two."""
    folders = [tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")]
    for processes, folder in enumerate(folders, start=1):
        (folder / "code.py").write_text(CODE)
        torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        launcher = torchrun if processes > 1 else []
        done = subprocess.run(
            [sys.executable, *launcher, folder / "code.py", folder],
            cwd=Path(__file__).parent.parent,
            capture_output=True,
            text=True,
            timeout=300,  # processes that lose step wait for each other for ever
        )
        assert done.returncode == 0, done.stderr[-3000:]
    return folders


def test_process_0_alone_writes_and_one_process_goes_on_from_it(runs):
    one, two = runs
    assert sorted(path.name for path in two.iterdir()) == ["code.py", "rows.pt", "run.pt"]
    gan, images = gl.build("dcgan", SHAPE, width=8), gl.load("mnist5k", size=SHAPE[1]).take(64)
    monitor = gl.Monitor("fid", lambda gan: gl.metrics.fid(gan, images, n=25), every=2)
    history = gl.fit(gan, images, 8, 8, every=2, monitors=[monitor], checkpoint=two / "run.pt")  # nothing left to do
    assert history.steps == [2, 4, 6, 8]


def test_features_of_all_shares_are_those_of_one_process(runs, monkeypatch):
    """25 images, two shares: FID of a sample is the same number however its features were shared out."""
    image = torch.rand(25, *SHAPE) * 2 - 1
    images = gl.load("mnist5k", size=SHAPE[1]).take(64)
    alone = gl.metrics.fid(image, images, n=25).value
    shares = []
    monkeypatch.setattr(parallel, "size", lambda: 2)
    monkeypatch.setattr(parallel, "share", lambda x: shares.append(len(x)) or x)
    monkeypatch.setattr(parallel, "gather", lambda x: x)
    assert gl.metrics.fid(image, images, n=25).value == pytest.approx(alone) and shares == [26]


def test_rows_that_cannot_be_shared(monkeypatch):
    monkeypatch.setattr(parallel, "size", lambda: 3)
    with pytest.raises(ValueError, match="64 rows cannot be shared by 3 processes; make it a multiple of 3"):
        parallel.share(torch.zeros(64))


GATHERED = """
import sys, torch
from ganlib import parallel
parallel.start()
torch.manual_seed(0)
x, w = torch.randn(6, 3, dtype=torch.float64), torch.randn(3, dtype=torch.float64, requires_grad=True)
rows = parallel.share(x)
h = torch.tanh(rows @ w)
everyone = parallel.gather(h)
loss = (h - everyone.mean()).pow(4).mean() + everyone.std()  # a loss of this share that feels the whole batch
(gradient,) = torch.autograd.grad(loss, w, create_graph=True)
(second,) = torch.autograd.grad(gradient.square().sum(), w)  # as a penalty has it
for g in (gradient := gradient.detach().clone(), second):
    parallel.average_([g])
if parallel.rank() == 0:
    torch.save([everyone.detach(), gradient, second], sys.argv[1])
"""


def test_gather_has_a_gradient_of_any_order(tmp_path):
    """Two processes against the whole batch in one, whose loss is the same mean of shares."""
    (tmp_path / "code.py").write_text(GATHERED)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run([*command, tmp_path / "code.py", tmp_path / "out.pt"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    everyone, gradient, second = torch.load(tmp_path / "out.pt", weights_only=True)
    torch.manual_seed(0)
    x, w = torch.randn(6, 3, dtype=torch.float64), torch.randn(3, dtype=torch.float64, requires_grad=True)
    h = torch.tanh(x @ w)
    loss = (h - h.mean()).pow(4).mean() + h.std()
    (whole,) = torch.autograd.grad(loss, w)
    torch.testing.assert_close(everyone, h.detach(), rtol=0, atol=1e-12)
    torch.testing.assert_close(gradient, whole, rtol=0, atol=1e-12)
    # the second derivative, with a copy of the weights for each process and both losses in one graph
    copies = [w.detach().clone().requires_grad_() for _ in range(2)]
    shares = [torch.tanh(part @ copy) for part, copy in zip(x.chunk(2), copies)]
    everyone = torch.cat(shares)
    losses = sum((share - everyone.mean()).pow(4).mean() + everyone.std() for share in shares)
    firsts = torch.autograd.grad(losses, copies, create_graph=True)
    seconds = torch.autograd.grad(sum(g.square().sum() for g in firsts), copies)
    torch.testing.assert_close(second, sum(seconds) / 2, rtol=0, atol=1e-12)
