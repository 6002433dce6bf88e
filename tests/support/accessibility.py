"""What axe finds serious about a page."""

from axe_playwright_python.base import AXE_SCRIPT
from axe_playwright_python.sync_playwright import Axe

# Contrast depends on these alone, so that axe looks at one text of each kind: all the
# thousands of a page would take it a minute.
ONE_OF_EACH_KIND = """() => {
    const kind = (text) => {
        const {color, fontSize, fontWeight} = getComputedStyle(text);
        const parts = new Set([color, fontSize, fontWeight]);
        for (let box = text; box; box = box.parentElement) {
            const {backgroundColor, backgroundImage, opacity} = getComputedStyle(box);
            parts.add(backgroundColor + backgroundImage + opacity);
        }
        return [...parts].join();
    };
    for (const text of document.querySelectorAll("[data-kind]"))
        delete text.dataset.kind;
    const shows = (child) => child.nodeType === Node.TEXT_NODE && child.data.trim();
    const texts = [...document.body.querySelectorAll("*")].filter((e) =>
        (e.matches("input, select") || [...e.childNodes].some(shows))
        && e.checkVisibility({visibilityProperty: true})
        && !e.closest("mjx-assistive-mml, [class*=visually-hidden]"));
    const kinds = new Map(texts.map((text) => [kind(text), text]));
    for (const text of kinds.values()) text.dataset.kind = "";
    return kinds.size;
}"""
AXE = Axe(
    f"{AXE_SCRIPT};axe.configure("
    '{rules: [{id: "color-contrast", selector: "[data-kind]"}]})'
)

# Browsers let the keyboard into what scrolls, such as wide equations, by themselves.
UNJUDGED = {"scrollable-region-focusable": {"enabled": False}}


def serious_violations(page, *, contrast_alone=False):
    """List what is wrong with a page as it is shown now, and where."""
    options = {"preload": False, "resultTypes": ["violations"], "rules": UNJUDGED}
    if contrast_alone:
        options["runOnly"] = ["color-contrast"]
    assert page.evaluate(ONE_OF_EACH_KIND) > 3
    violations = AXE.run(page, options=options).response["violations"]
    return [
        (violation["id"], node["target"], node["failureSummary"])
        for violation in violations
        if violation["impact"] in {"serious", "critical"}
        for node in violation["nodes"]
    ]
