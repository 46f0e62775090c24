/** The page that the app opens after an approval by link: takes the nonce to the server, and leaves. */

async function comeBack(main: HTMLElement, nonce: string): Promise<void> {
  if (nonce === "") return show(main, "other");
  show(main, "going");
  try {
    const answer = await fetch("/return", {
      method: "POST",
      headers: { accept: "application/json" },
      body: new URLSearchParams({ nonce }),
    });
    if (answer.ok) location.replace(((await answer.json()) as { resume: string }).resume);
    else show(main, answer.status >= 500 ? "offline" : "other");
  } catch {
    show(main, "offline");
  }
}

function show(main: HTMLElement, screen: string): void {
  for (const section of main.querySelectorAll<HTMLElement>("[data-screen]")) {
    const wanted = section.dataset["screen"] === screen;
    const isNew = wanted && section.hidden;
    section.hidden = !wanted;
    if (!isNew) continue;
    document.title = section.dataset["title"] ?? document.title;
    section.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
  }
}

const main = document.querySelector<HTMLElement>("main[data-return]");
// A page of the server's refusal has nothing to take back.
if (main?.querySelector('[data-screen="going"]')) {
  const nonce = location.hash.slice(1);
  // It counts once and only here, but it need not stay in the history either.
  history.replaceState(null, "", location.pathname);
  main.querySelector("[data-again]")?.addEventListener("click", () => void comeBack(main, nonce));
  void comeBack(main, nonce);
}
