// Shows one language: the one that the address names (#fi, or #fi-who for a section), else the reader's own.
(() => {
  const root = document.documentElement;
  const articles = [...document.querySelectorAll("main article")];
  const known = articles.map((article) => article.lang);

  function show() {
    const asked = [location.hash.slice(1).split("-")[0], root.lang];
    const language = asked.find((tag) => known.includes(tag));
    root.lang = language;
    document.title = document.getElementById(language).dataset.title;
    for (const link of document.querySelectorAll(".switch a")) {
      if (link.lang === language) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  // A closed part would be missing on paper.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const part of opened) part.open = true;
  });
  addEventListener("afterprint", () => {
    for (const part of opened) part.open = false;
  });

  root.classList.add("js");
  root.lang = navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => known.includes(tag)) ?? "en";
  addEventListener("hashchange", show);
  show();
  document.getElementById(location.hash.slice(1))?.scrollIntoView();
})();
