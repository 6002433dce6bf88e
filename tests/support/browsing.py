"""A page's scripts, run in the reader's browser where there is one."""

import shutil
import subprocess

import pytest

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)


def browse(page, folder):
    """Contents of the page once its scripts have run."""
    if BROWSER is None:
        pytest.skip("no Chromium on this machine to run the page's script in")
    path = folder / "page.html"
    path.write_text(f"<!doctype html><meta charset='utf-8'><body>{page}", "utf-8")
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
        "--disable-background-networking --disable-component-update --disable-sync "
        f"--virtual-time-budget=10000 --user-data-dir={folder / 'profile'} --dump-dom"
    ).split()
    done = subprocess.run(
        [BROWSER, *flags, path.as_uri()], check=True, capture_output=True, timeout=120
    )
    return done.stdout.decode()
