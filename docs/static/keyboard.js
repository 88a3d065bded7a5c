// The theme opens its menus by labels of hidden boxes, which no key reaches: here each can be tabbed to, and Enter or Space is a click.
document.addEventListener("DOMContentLoaded", () => {
  const names = { __navigation: "Menu", __toc: "On this page" };
  for (const label of document.querySelectorAll("label[for]:not(.overlay)")) {
    const box = document.getElementById(label.htmlFor);
    if (!box || box.type !== "checkbox") continue;
    const tell = () => label.setAttribute("aria-expanded", box.checked);
    label.tabIndex = 0;
    label.setAttribute("role", "button");
    if (!label.textContent.trim()) label.setAttribute("aria-label", names[box.id] || "Show what is below");
    label.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      label.click();
    });
    box.addEventListener("change", tell);
    tell();
  }
});
