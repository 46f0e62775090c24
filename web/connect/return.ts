/** The page that the app opens after an approval by link: takes the nonce to the server, and leaves. */

async function comeBack(main: HTMLElement): Promise<void> {
  const nonce = location.hash.slice(1);
  // It works once and only here, but it need not stay in the history either.
  if (location.hash !== "") history.replaceState(null, "", location.pathname);
  if (nonce === "") return;
  show(main, "going");
  const answer = await fetch("/return", {
    method: "POST",
    headers: { Accept: "application/json" },
    body: new URLSearchParams({ nonce }),
  });
  if (!answer.ok) return show(main, "other");
  const { resume } = (await answer.json()) as { resume: string };
  location.replace(resume);
}

function show(main: HTMLElement, screen: string): void {
  for (const section of main.querySelectorAll<HTMLElement>("[data-screen]")) {
    section.hidden = section.dataset["screen"] !== screen;
    if (!section.hidden) section.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
  }
}

const main = document.querySelector<HTMLElement>("main[data-return]");
if (main !== null) comeBack(main).catch(() => show(main, "other"));
