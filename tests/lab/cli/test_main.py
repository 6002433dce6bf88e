"""A command imports what it uses, and no more."""

import subprocess
import sys

import pytest

from gradmask.lab.__main__ import main
from gradmask.lab.cli.main import COMMANDS

TRAINING = {"accelerate", "gradmask.lab.training.loop", "gradmask.lab.experiments"}
DRAWING = {"matplotlib", "gradmask.lab.figures"}
STATISTICS = {"gradmask.lab.reports.stats"}


def imported_by(*words):
    """All that is imported once a command has said how to use it."""
    program = (
        "import sys; from gradmask.lab.cli.main import main\n"
        f"try: main({[*words, '--help']})\n"
        "except SystemExit: print('', *sys.modules, sep='\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines())


@pytest.mark.parametrize(
    ("words", "used", "unused"),
    [
        ([], {"gradmask"}, TRAINING | DRAWING | STATISTICS | {"torchvision"}),
        (["look"], DRAWING, TRAINING | STATISTICS),
        (["show"], STATISTICS, TRAINING | DRAWING | {"torchvision"}),
    ],
)
def test_a_command_does_not_pay_for_the_others(words, used, unused):
    found = imported_by(*words)
    assert used <= found
    assert not unused & found


def test_the_commands_are_listed_and_each_says_how_to_use_it(capsys):
    for words in ([], *([name] for name in COMMANDS)):
        with pytest.raises(SystemExit) as stopped:
            main([*words, "--help"])
        assert stopped.value.code == 0
        shown = capsys.readouterr().out
        assert shown.startswith(" ".join(["usage: python -m gradmask.lab", *words]))
        if not words:
            assert all(f"  {name} " in shown for name in COMMANDS)


@pytest.mark.parametrize("words", [[], ["looks"], ["--", "-x"]])
def test_a_command_that_there_is_not_is_refused(words, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    assert "COMMAND" in capsys.readouterr().err
