/* The search page, read from files, says what it lacks; its marks stay on what it found. */
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

addEventListener("DOMContentLoaded", () => {
  const results = document.getElementById("search-results");
  if (!results) return;

  if (location.protocol === "file:")
    results.insertAdjacentHTML(
      "beforebegin",
      "<p class='mt-3'>Only titles are shown: from files, a browser reads no excerpts. " +
        "<code>make serve</code> shows them, too.</p>",
    );

  let found = false;
  results.addEventListener("click", () => (found = true));
  addEventListener("pagehide", () => {
    if (!found) localStorage.removeItem("sphinx_highlight_terms");
  });
});
