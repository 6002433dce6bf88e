"""Figures of which the reader chooses one: HTML without kernel and network."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from itertools import product

from matplotlib.figure import Figure

from gradmask.lab.figures.pages import filled, lossless
from gradmask.lab.figures.pieces import of_lines

__all__ = ["Choices"]

WIDTH = 4.6
"""Inches: on a telephone, letters of such a figure have more than nine pixels."""

Answer = str | float


class Choices:
    """Figures, one for every setting that can be chosen, shown by a notebook.

    A question whose answers are numbers gets a slider, any other a list.  All figures
    are drawn beforehand.  Where scripts are off, the first one stands still.

    Parameters
    ----------
    name : str
        Of the element of the page; no other has it.
    questions : mapping of str to sequence of str or float
        What can be chosen, and from what.
    draw : callable
        From an answer to each question to a figure, and to sentences that say what it
        shows.
    alt : str
        What all of the figures show, for those who cannot see them.
    first : sequence of str or float, optional
        The setting to begin with, instead of the first answer to each question.
    """

    def __init__(
        self,
        name: str,
        questions: Mapping[str, Sequence[Answer]],
        draw: Callable[..., tuple[Figure, str]],
        alt: str,
        first: Sequence[Answer] = (),
    ) -> None:
        self.name, self.questions, self.alt = name, questions, alt
        self.first = tuple(first or (each[0] for each in questions.values()))
        self.drawn = {chosen: draw(*chosen) for chosen in product(*questions.values())}

    def _repr_html_(self) -> str:
        controls = map(self._control, range(len(self.questions)))
        parts = {
            "name": self.name,
            "about": html.escape(", ".join(self.questions)),
            "controls": "\n".join(controls),
            "figures": "\n".join(map(self._figure, self.drawn)),
        }
        return filled("choices.html", parts)

    def _control(self, index: int) -> str:
        question, answers = list(self.questions.items())[index]
        name, chosen = f"{self.name}-{index}", answers.index(self.first[index])
        title = html.escape(question)
        texts = [html.escape(_text(answer)) for answer in answers]
        if isinstance(answers[0], str):
            options = "".join(
                f'<label><input type="radio" name="{name}" value="{place}"'
                f"{' checked' * (place == chosen)}>{text}</label>"
                for place, text in enumerate(texts)
            )
            return f"<fieldset><legend>{title}</legend>{options}</fieldset>"
        options = "".join(
            f'<option value="{place}" label="{text}"></option>'
            for place, text in enumerate(texts)
        )
        return (
            f'<div><label for="{name}">{title} <output for="{name}"></output></label>'
            f'<input id="{name}" type="range" max="{len(answers) - 1}" '
            f'value="{chosen}" list="{name}-answers">'
            f'<datalist id="{name}-answers">{options}</datalist></div>'
        )

    def _figure(self, chosen: tuple[Answer, ...]) -> str:
        figure, says = self.drawn[chosen]
        figure.set_figwidth(WIDTH)
        answers = list(zip(self.questions.items(), chosen, strict=True))
        at = " ".join(str(each.index(answer)) for (_, each), answer in answers)
        shown = "; ".join(f"{name}: {_text(answer)}" for (name, _), answer in answers)
        kind = "lines" if of_lines(figure) else "maps"
        return (
            f'<figure data-at="{at}"{" hidden" * (chosen != self.first)}>'
            f'<img class="{kind}" src="{lossless(figure)}" '
            f'alt="{html.escape(self.alt)} {html.escape(shown)}.">'
            f"<figcaption>{html.escape(says)}</figcaption></figure>"
        )


def _text(answer: Answer) -> str:
    return answer if isinstance(answer, str) else f"{answer:g}"
