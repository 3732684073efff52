// Asks again while the message is edited, so that one sees the decision change. Without it there is the button.
"use strict";
(() => {
  const form = document.querySelector("[data-why]");
  const answer = document.querySelector("[data-answer]");
  const token = document.querySelector("[data-form]");
  let timer = 0, asked = 0;

  form.querySelector("[data-propose]").addEventListener("click", () => { token.disabled = false; });

  async function ask() {
    const number = ++asked;
    const given = new FormData(form);
    const proposes = form.routes.value.trim() !== "" && form.querySelector(".proposal").open;
    const words = new URLSearchParams([...given].filter(([name, value]) => value !== "" && name !== "form"));
    if (proposes) words.set("form", token.value);
    const page = proposes
      ? await fetch("/why", { method: "POST", body: words })
      : await fetch(`/why?${words}`);
    const text = await page.text();
    if (number !== asked) return;
    const found = new DOMParser().parseFromString(text, "text/html").querySelector("[data-answer], .problem");
    if (found) answer.replaceChildren(...(found.matches("[data-answer]") ? found.childNodes : [found]));
    if (!proposes && page.ok) history.replaceState(null, "", `/why?${words}`);
    answer.dataset.asked = String(number);
  }

  form.addEventListener("input", (event) => {
    if (event.target.name === "at") return;
    form.at.value = "";
    clearTimeout(timer);
    timer = setTimeout(() => { ask().catch(() => undefined); }, 250);
  });
})();
