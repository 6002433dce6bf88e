"""What the tests of the laboratory share: images unpacked once, and a style of none."""

from functools import cache

import matplotlib as mpl
import pytest

from gradmask.lab.data import embedded


@pytest.fixture(scope="session", autouse=True)
def _unpacked_once():
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(embedded, "read_subset", cache(embedded.read_subset))
        yield


@pytest.fixture(autouse=True)
def _style():
    with mpl.rc_context():
        yield
