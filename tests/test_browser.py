"""A real JupyterLab in a real browser: the notebooks run, and their sliders change the pictures.

Not part of ``make test``. ``make browser`` runs it, and says what is missing where something is.
"""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parent.parent
NUMBERS = ("02", "07", "09", "10", "11", "12", "14", "15", "16")
NOTEBOOKS = sorted(path for path in (ROOT / "notebooks").glob("*.ipynb") if path.stem[:2] in NUMBERS)
MINUTE = 60_000  # the browser counts in milliseconds


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is missing: .venv/bin/pip install -c constraints.txt -e '.[browser]'"
    )
    with playwright.sync_playwright() as p:
        names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
        found = [path for path in map(shutil.which, names) if path] + [p.chromium.executable_path]
        if not Path(found[0]).exists():
            pytest.skip("Chromium is missing: apt install chromium, or .venv/bin/playwright install chromium")
        with p.chromium.launch(executable_path=found[0]) as browser:
            yield browser


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A function from the name of a notebook to its address in a JupyterLab of our own, on copies of the notebooks."""
    home, root = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("course")
    (root / "notebooks").mkdir()
    for path in NOTEBOOKS:
        shutil.copy(path, root / "notebooks")
    (root / "data").symlink_to(ROOT / "data")
    # Lab leaves cells that are out of sight out of the page, unless it is told not to
    settings = home / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"windowingMode": "none"}')
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    token = secrets.token_hex()
    environment = os.environ | {
        "GANLIB_BUDGET": "smoke",
        "HOME": str(home),
        "IPYTHONDIR": str(home),
        "JUPYTER_CONFIG_DIR": str(home),
        "JUPYTER_DATA_DIR": str(home),
        "JUPYTER_RUNTIME_DIR": str(home),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1", "--allow-root"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"]
    command += [f"--ServerApp.root_dir={root}", "--LabApp.expose_app_in_browser=True"]
    with open(home / "log", "w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    answers = None
    while server.poll() is None and answers != 0:
        time.sleep(0.2)
        with socket.socket() as s:
            answers = s.connect_ex(("127.0.0.1", port))
    assert server.poll() is None, (home / "log").read_text()
    try:
        yield lambda name: f"http://127.0.0.1:{port}/doc/tree/notebooks/{name}?token={token}"
    finally:
        server.terminate()  # it ends its kernels
        server.wait(60)


def picture(image):
    """What a picture looks like once it has stood still for 400 ms."""
    image.evaluate(
        """image => new Promise(done => {
            let wait = setTimeout(done, 400);
            new MutationObserver(() => { clearTimeout(wait); wait = setTimeout(done, 400); })
                .observe(image, {attributes: true});
        })"""
    )
    return image.screenshot()


def changed(page, image, before):
    """The picture after it has changed; fails where it stays as it was."""
    for _ in range(50):
        if (after := picture(image)) != before:
            return after
        page.wait_for_timeout(200)
    raise AssertionError("the slider moved, but the picture is still the same")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_sliders_of_a_notebook_change_its_pictures(browser, lab, path):
    page = browser.new_page(viewport={"width": 1200, "height": 1400})
    page.set_default_timeout(2 * MINUTE)
    page.goto(lab(path.name))
    page.wait_for_function(
        "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status == 'idle'", timeout=2 * MINUTE
    )
    page.evaluate("void jupyterapp.commands.execute('notebook:run-all-cells').then(() => window.finished = true)")
    page.wait_for_function("window.finished", timeout=10 * MINUTE)
    errors = page.locator("[data-mime-type='application/vnd.jupyter.error']").all_inner_texts()
    assert not errors

    controls = ":is(.noUi-handle, .widget-text input)"
    explorers = page.locator(f".jp-OutputArea-output:has({controls}):has(.widget-image)")
    assert explorers.count()
    for explorer in explorers.all():
        explorer.scroll_into_view_if_needed()
        image = explorer.locator("img.widget-image")
        before = picture(image)
        for handle in explorer.locator(".noUi-handle").all():
            handle.focus()
            handle.press("ArrowRight")
            before = changed(page, image, before)
        for box in explorer.locator("input[type=checkbox]").all():
            box.check()
            before = changed(page, image, before)
        for field in explorer.locator(".widget-text input").all():
            field.fill("green square")
            field.press("Enter")
            before = changed(page, image, before)
    page.close()
