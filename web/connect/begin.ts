/** Beginning a journey: only for a page that somebody looks at. */

export interface Begun {
  readonly connect: string;
  readonly events: string;
  readonly resume: string;
}

/** Why a journey did not begin: no answer came, the server is busy, or it no longer takes this page. */
export type Failure = "unreachable" | "busy" | "refused";

/** Resolves once the document is on a screen: not prerendered, not in a tab in the background. */
export function seen(page: Document): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if ((page as { prerendering?: boolean }).prerendering || page.visibilityState === "hidden") return;
      page.removeEventListener("prerenderingchange", look);
      page.removeEventListener("visibilitychange", look);
      resolve();
    };
    page.addEventListener("prerenderingchange", look);
    page.addEventListener("visibilitychange", look);
    look();
  });
}

/** Sends the page's own form, so that a page without script does exactly the same. */
export async function begin(form: HTMLFormElement): Promise<Begun | Failure> {
  try {
    const answer = await postForm(form);
    if (answer.status === 429) return "busy";
    if (answer.ok) return readBegun(await answer.json());
    return answer.status >= 500 ? "unreachable" : "refused";
  } catch {
    return "unreachable";
  }
}

/** Posts a form as the browser would, asking for JSON instead of a page. */
export function postForm(form: HTMLFormElement): Promise<Response> {
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (typeof value === "string") body.append(name, value);
  return fetch(form.action, {
    method: "POST",
    headers: { accept: "application/json" },
    credentials: "same-origin",
    body,
  });
}

/** The three paths of the answer. Anything but a path of this host is refused. */
export function readBegun(value: unknown): Begun | Failure {
  if (typeof value !== "object" || value === null) return "refused";
  const { connect, events, resume } = value as Record<string, unknown>;
  if (!isPath(connect) || !isPath(events) || !isPath(resume)) return "refused";
  return { connect, events, resume };
}

function isPath(value: unknown): value is string {
  return typeof value === "string" && /^\/[^/\\]/.test(value);
}
