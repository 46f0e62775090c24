/** The page on which a person's browser waits while the phone decides. */

import { begin, postForm, seen } from "./begin.ts";
import { CodePicture } from "./code.ts";
import {
  isCounted,
  isFinal,
  isLeaving,
  isState,
  readState,
  showsCode,
  type State,
  type StateEvent,
} from "./events.ts";
import { Screen, spelled } from "./screen.ts";
import { Stream } from "./stream.ts";

/** How long an outcome stands before the page leaves: enough to see a good one, to read a bad one. */
const LEAVE_MS: Readonly<Partial<Record<State, number>>> = { approved: 700, cancelled: 1_500, rejected: 2_500 };

class ConnectPage {
  readonly #main: HTMLElement;
  readonly #screen: Screen;
  readonly #code: CodePicture;
  #stream: Stream | undefined;
  #present: StateEvent | undefined;
  #silent = false;
  /** A person who has letters may scan all the same. */
  #scans = false;
  #connect = "";
  #resume = "";

  constructor(main: HTMLElement) {
    this.#main = main;
    this.#screen = new Screen(main);
    this.#code = new CodePicture(find(main, "[data-code]"), find(main, "[data-code-box]"));
    main.dataset["script"] = "on";
    // Not "app": its form opens the app in a window of its own, which only a person's own click may do.
    for (const act of ["cancel", "new-code", "code", "letters"]) this.#enhance(act);
    main.querySelector("[data-hide-letters]")?.addEventListener("click", () => this.#scan(true));
    main.querySelector("[data-near]")?.addEventListener("click", (event) => void this.#comeNear(event));
    for (const link of main.querySelectorAll("[data-start-again]")) {
      link.addEventListener("click", (event) => this.#startAgain(event));
    }
    main.querySelector("[data-window]")?.addEventListener("click", openWindow);
  }

  /** Follows the journey that the page was served for, or begins one. */
  async run(): Promise<void> {
    const { state, short, reason, expiresIn, letters } = this.#main.dataset;
    if (!short) {
      await seen(document);
      await this.#begin();
      return;
    }
    this.#know(`/connect/${short}`, `/resume/${short}`);
    if (isState(state)) {
      const seconds = Number(expiresIn) || undefined;
      this.#arrive({
        state,
        reason: reason ?? "",
        expiresIn: seconds,
        codesLeft: undefined,
        number: undefined,
        letters: letters || undefined,
      });
      if (isFinal(state)) return;
    }
    this.#listen(`/connect/${short}/events`);
  }

  async #begin(): Promise<void> {
    const begun = await begin(find(this.#main, "[data-start]"));
    if (typeof begun === "string") {
      this.#screen.show("failed", begun);
      return;
    }
    history.replaceState(null, "", begun.connect);
    this.#know(begun.connect, begun.resume);
    this.#listen(begun.events);
  }

  /** Points the page's forms and links at the journey, which a page that began it did not have. */
  #know(connect: string, resume: string): void {
    this.#connect = connect;
    this.#resume = resume;
    for (const form of this.#main.querySelectorAll<HTMLFormElement>("form[data-act]")) {
      form.action = `${connect}/${form.dataset["act"]}`;
    }
    for (const link of this.#main.querySelectorAll<HTMLAnchorElement>("a[data-resume]")) link.href = resume;
    this.#main.dataset["begun"] = "yes";
  }

  #listen(events: string): void {
    this.#stream = new Stream(events, {
      state: (event) => this.#arrive(event),
      frame: (text) => this.#frame(text),
      silence: () => this.#fallSilent(),
      gone: () => location.reload(),
    });
    this.#stream.open();
  }

  #arrive(event: StateEvent): void {
    const known = this.#present;
    if (known !== undefined && isFinal(known.state)) return;
    this.#present = event;
    this.#silent = false;
    if (!showsCode(event.state)) this.#code.clear();
    if (event.number !== undefined) this.#fill("number", String(event.number));
    if (event.letters !== undefined) this.#spell(event.letters);
    else this.#scans = false;
    if (event.codesLeft !== undefined) this.#offer(event.codesLeft);
    this.#screen.show(event.state, this.#reason(event), {
      number: String(event.number ?? ""),
      letters: spelled(event.letters ?? ""),
    });
    if (event.expiresIn !== undefined && isCounted(event.state)) {
      this.#screen.countDown(event.expiresIn, this.#total(event));
    } else this.#screen.stopCounting();
    if (isFinal(event.state)) this.#stream?.close();
    // Where the client polls for the answer there is nowhere to go.
    if (isLeaving(event.state) && this.#main.dataset["polled"] === undefined) {
      window.setTimeout(() => location.replace(this.#resume), LEAVE_MS[event.state]);
    }
  }

  #frame(text: string): void {
    if (this.#present === undefined || !showsCode(this.#present.state)) return;
    if (this.#silent) this.#arrive(this.#present);
    this.#code.show(text);
  }

  #fallSilent(): void {
    this.#silent = true;
    this.#code.clear();
    this.#screen.stopCounting();
    this.#screen.show("offline");
  }

  #reason(event: StateEvent): string {
    return event.state === "waiting" && event.letters !== undefined && !this.#scans ? "letters" : event.reason;
  }

  #total(event: StateEvent): number {
    const { codeSeconds, lettersSeconds, stepSeconds } = this.#main.dataset;
    if (event.letters !== undefined) return Number(lettersSeconds) || 1;
    return Number(event.state === "waiting" ? codeSeconds : stepSeconds) || 1;
  }

  /** Posts a form without leaving the page; the form alone does the same with a page in between. */
  #enhance(act: string): void {
    for (const form of this.#main.querySelectorAll<HTMLFormElement>(`form[data-act="${act}"]`)) {
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        void this.#post(form);
      });
    }
  }

  async #post(form: HTMLFormElement): Promise<void> {
    this.#scans = false;
    const buttons = form.querySelectorAll("button");
    for (const button of buttons) button.disabled = true;
    try {
      const answer = await postForm(form);
      if (answer.ok) this.#follow(await answer.text());
      else location.reload();
    } catch {
      this.#fallSilent();
      this.#stream?.open();
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  }

  /** An end is shown at once; of all else the stream tells, which has to know of it anyway. */
  #follow(answer: string): void {
    const event = readState(answer);
    if (event !== undefined && isFinal(event.state)) this.#arrive(event);
    else this.#stream?.open();
  }

  /** Asks a phone that is near for its passkey. */
  async #comeNear(click: Event): Promise<void> {
    const button = click.currentTarget as HTMLButtonElement;
    const problem = find<HTMLElement>(this.#main, "[data-near-problem]");
    problem.hidden = true;
    button.disabled = true;
    try {
      const { comeNear } = await import("./near.ts");
      const answer = await comeNear(this.#connect);
      if (answer?.ok) this.#follow(await answer.text());
      else problem.hidden = false;
    } catch {
      problem.hidden = false;
    } finally {
      button.disabled = false;
    }
  }

  /** Shows the code to scan although there are letters, or the letters again. */
  #scan(scans: boolean): void {
    this.#scans = scans;
    if (this.#present !== undefined) this.#screen.show(this.#present.state, this.#reason(this.#present));
  }

  #spell(letters: string): void {
    this.#fill("letters-drawn", letters.replace("-", " "));
    this.#fill("letters-spelled", spelled(letters));
  }

  #fill(name: string, text: string): void {
    for (const place of this.#main.querySelectorAll(`[data-${name}]`)) {
      if (place.textContent !== text) place.textContent = text;
    }
  }

  /** A lapsed code is followed by a new one, or, after the last, by a new start. */
  #offer(codesLeft: number): void {
    for (const element of this.#main.querySelectorAll<HTMLElement>("[data-if-codes]")) {
      element.hidden = (element.dataset["ifCodes"] === "some") !== codesLeft > 0;
    }
  }

  /** Without an answer from the server the sealed request is still good, and the link need not be followed. */
  #startAgain(event: Event): void {
    event.preventDefault();
    this.#screen.show("start");
    void this.#begin();
  }
}

/** A window of its own: in a tab the phone would hide this page, and a hidden page shows no code. */
function openWindow(event: Event): void {
  event.preventDefault();
  const { href } = event.currentTarget as HTMLAnchorElement;
  window.open(href, "_blank", "popup,noopener,width=420,height=860");
}

function find<E extends Element>(inside: ParentNode, selector: string): E {
  const element = inside.querySelector<E>(selector);
  if (element === null) throw new Error(`the page has no ${selector}`);
  return element;
}

const main = document.querySelector<HTMLElement>("main[data-connect]");
if (main !== null) void new ConnectPage(main).run();
