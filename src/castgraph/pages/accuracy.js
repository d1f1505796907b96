(() => {
  "use strict";
  const sheet = document.getElementById("sheet");
  const state = document.getElementById("state");
  const key = `castgraph-accuracy-${sheet.dataset.sample}`;
  const questions = [...sheet.querySelectorAll("[data-question]")];

  const answer = (question) => {
    const input = question.querySelector("input:checked, input[type=text]");
    return input ? input.value.trim() : "";
  };
  const answers = () => questions.map((question) => [question.dataset.question, answer(question)]);

  const tell = () => {
    const done = answers().filter(([, value]) => value).length;
    state.textContent = `${done} of ${questions.length} answered`;
  };

  // The browser keeps the answers between two visits; where it may not, nothing else changes.
  const keep = () => {
    tell();
    try {
      localStorage.setItem(key, JSON.stringify(Object.fromEntries(answers())));
    } catch {}
  };
  const recall = () => {
    let kept = {};
    try {
      kept = JSON.parse(localStorage.getItem(key)) || {};
    } catch {}
    for (const question of questions) {
      const value = kept[question.dataset.question];
      for (const input of value ? question.querySelectorAll("input") : []) {
        if (input.type === "text") input.value = value;
        else input.checked = input.value === value;
      }
    }
  };

  const cell = (text) => `"${text.replaceAll('"', '""')}"`;
  const save = () => {
    const rows = answers().map(([question, value]) => [sheet.dataset.sample, question, value]);
    const text = [["sample", "question", "answer"], ...rows].map((row) => row.map(cell).join(",")).join("\r\n");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${text}\r\n`], { type: "text/csv" }));
    link.download = `answers-${sheet.dataset.sample}.csv`;
    link.click();
  };

  document.documentElement.classList.add("on");
  recall();
  tell();
  sheet.addEventListener("input", keep);
  sheet.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("save").addEventListener("click", save);
})();
