/* A picture opens at its full size, over the page; Escape or a click closes it. */
addEventListener("DOMContentLoaded", () => {
  const article = document.querySelector(".bd-article");
  const pictures = article?.querySelectorAll("img:not(.dark-light)") ?? [];

  for (const img of pictures) {
    const opener = img.closest("a") ?? wrap(img.closest("picture") ?? img);
    opener.classList.add("opens");
    opener.setAttribute("aria-haspopup", "dialog");
    opener.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return; // to another tab
      event.preventDefault();
      enlarge(img);
    });
  }

  function wrap(picture) {
    const button = document.createElement("button");
    button.type = "button";
    picture.replaceWith(button);
    button.append(picture);
    return button;
  }

  function enlarge(img) {
    const dialog = document.createElement("dialog");
    dialog.className = "enlarged";
    dialog.ariaLabel = "Picture at its full size";
    const close = document.createElement("button");
    close.type = "button";
    close.ariaLabel = "Close";
    close.textContent = "×";
    const copy = new Image();
    copy.src = img.currentSrc;
    copy.alt = img.alt;
    copy.className = img.className;
    copy.style.maxWidth = `${img.naturalWidth}px`;
    copy.style.minWidth = `${img.naturalWidth / 2}px`; // as large as it was drawn for
    dialog.append(close, copy);
    dialog.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    article.append(dialog);
    dialog.showModal();
  }
});
