/** Who asks, and where it began: the question that stops a code from a stranger. */

import type { App } from "../app.ts";
import { button, h, heading, pair } from "../dom.ts";
import { icon } from "../icons.ts";
import { Journey } from "../journey.ts";
import { digitsOf, readNumber } from "../number.ts";
import { t } from "../texts.ts";
import type { Claimed } from "../wire.ts";
import { origin, warning } from "./hint.ts";
import { busy, clientCard } from "./parts.ts";
import { notMine, stageOf, stopHere } from "./stage.ts";

/** Opens a journey that this phone holds, where it was left. */
export function openJourney(app: App, claimed: Claimed): void {
  const journey: Journey = new Journey(
    app,
    claimed,
    stageOf(app, claimed, () => journey),
  );
  void journey.open();
}

export function showAsk(app: App, journey: Journey): void {
  const { claimed } = journey;
  const client = claimed.client.name;
  const number = claimed.asks_number ? new NumberField((said) => send(said)) : undefined;
  const send = (said?: number): void => void busy(go, () => journey.match(said));
  const refuse = button("button even no", t("refuse"), () => void busy(refuse, () => journey.refuse()));
  const go = button("button even", t("ask.go"), () => (number ? number.submit() : send()));
  const where = origin(app, journey);
  const words = claimed.binding_message;
  app.show({
    node: h(
      "section",
      { class: "screen sheet ask" },
      h(
        "div",
        { class: "content" },
        heading(t(claimed.asks_payment ? "payment.ask" : "ask.title", { client })),
        h("div", { id: "who-and-where", class: "who-and-where" }, clientCard(claimed.client), where.node),
        claimed.for_device ? deviceAsks() : undefined,
        warning(app, claimed),
        h(
          "div",
          { class: "questions" },
          h("h2", { class: "question-line" }, question(claimed)),
          words === null ? undefined : h("p", { class: "same-words" }, words),
          number?.node,
        ),
        elsewhere(claimed) ? warned(claimed) : undefined,
        claimed.way === "asked" ? h("p", { class: "soft" }, t("asked.warning")) : undefined,
      ),
      h("div", { class: "actions stacked" }, pair(refuse, go), notMine(app, journey)),
    ),
    left: where.left,
    back: () => void stopHere(app, journey),
  });
  number?.focus();
}

function question(claimed: Claimed): string {
  if (claimed.way === "asked") return t("asked.question", { client: claimed.client.name });
  return t(elsewhere(claimed) ? "ask.question" : "ask.question.here");
}

// Letters of a stranger's device, sent to somebody who has none, would connect the stranger (RFC 8628 5.4).
function deviceAsks(): HTMLElement {
  return h("div", { class: "note warn hint", role: "note" }, icon("warning"), h("p", {}, t("ask.device")));
}

// By link the page is on this very screen, and a passkey used on the page was used beside it.
function elsewhere({ way }: Claimed): boolean {
  return way === "qr" || way === "short_code";
}

// Letters are told, codes are sent. That the letters may have been told stands in the warning already, if there is one.
function warned({ way, hint }: Claimed): HTMLElement | undefined {
  if (hint.reasons.includes("short_code")) return undefined;
  return h("p", { class: "soft" }, t(way === "short_code" ? "risk.short_code" : "ask.warning"));
}

/** Two large digits. They are sent when the second one is typed, or by "Continue". */
class NumberField {
  readonly node: HTMLElement;
  readonly #input: HTMLInputElement;
  readonly #alert: HTMLElement;
  readonly #send: (number: number) => void;

  constructor(send: (number: number) => void) {
    this.#send = send;
    // Who cannot see hears who asks and where it began before the number is asked for.
    this.#input = h("input", {
      class: "number",
      inputmode: "numeric",
      autocomplete: "off",
      "aria-describedby": "who-and-where number-fault",
    });
    this.#alert = h("p", { id: "number-fault", class: "note warn", role: "alert" });
    const label = h("label", { class: "number-line" }, h("span", {}, t("ask.number")), this.#input);
    this.node = h("div", { class: "number-field" }, label, this.#alert);
    this.#input.addEventListener("input", (event) => this.#changed(event as InputEvent));
    this.#input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.submit();
    });
  }

  focus(): void {
    this.#input.focus({ preventScroll: true });
  }

  submit(): void {
    const typed = readNumber(this.#input.value);
    if (typeof typed === "object") return this.#send(typed.number);
    this.#complain(t(typed === "unfinished" ? "ask.number.missing" : "ask.number.impossible"));
    this.focus();
  }

  #complain(words: string): void {
    this.#alert.textContent = words;
    // In a low window it would stand behind the answers at the bottom.
    if (words !== "") this.#alert.scrollIntoView({ block: "nearest" });
  }

  // A number that was pasted did not come from a screen by way of eyes and fingers: it waits for "Continue".
  #changed({ inputType }: InputEvent): void {
    this.#input.value = digitsOf(this.#input.value);
    const typed = readNumber(this.#input.value);
    this.#complain(typed === "impossible" ? t("ask.number.impossible") : "");
    if (typeof typed === "object" && inputType === "insertText") this.#send(typed.number);
  }
}
