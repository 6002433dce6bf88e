"""What the tests of the laboratory share: images that are unpacked once."""

from functools import cache

import pytest

from gradmask.lab.data import embedded


@pytest.fixture(scope="session", autouse=True)
def _unpacked_once():
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(embedded, "read_subset", cache(embedded.read_subset))
        yield
