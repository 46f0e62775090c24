/** Listening to what becomes of one journey. */

import { readState, type StateEvent } from "./events.ts";

export interface Listener {
  state(event: StateEvent): void;
  frame(text: string): void;
  /** Nothing is heard; the stream goes on trying. The next `state` tells that it is over. */
  silence(): void;
  /** The server has no more to say to this page, or no longer knows it. */
  gone(): void;
}

/** How long a stream may be away before the page says so. */
const PATIENCE_MS = 2_500;
/** A frame comes every 2 s and counts for 6 s: after this, what the page shows is of no use. */
const FRAME_SILENCE_MS = 7_000;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 15_000;

export class Stream {
  readonly #url: string;
  readonly #listener: Listener;
  #source: EventSource | undefined;
  #ended = false;
  #retry = FIRST_RETRY_MS;
  #patience = 0;
  #again = 0;
  #frameWatch = 0;

  constructor(url: string, listener: Listener) {
    this.#url = url;
    this.#listener = listener;
    // Browsers allow six connections to a host: a page nobody sees gives its one back.
    document.addEventListener("visibilitychange", () => this.#followVisibility());
    window.addEventListener("pageshow", (event) => event.persisted && this.#followVisibility());
    // Neither says anything about this server, but both are a reason to look.
    for (const name of ["online", "offline"]) window.addEventListener(name, () => this.open());
  }

  /** Opens the stream, afresh if it is open: the first events are the present state and frame. */
  open(): void {
    this.#pause();
    if (this.#ended || document.visibilityState === "hidden") return;
    const source = new EventSource(this.#url);
    this.#source = source;
    this.#away(PATIENCE_MS);
    source.addEventListener("state", (event) => this.#heard(event.data));
    source.addEventListener("frame", (event) => this.#framed(event.data));
    source.addEventListener("done", () => this.close());
    source.addEventListener("error", () => this.#failed(source));
  }

  /** Ends listening for good. */
  close(): void {
    this.#ended = true;
    this.#pause();
  }

  #pause(): void {
    this.#source?.close();
    this.#source = undefined;
    for (const timer of [this.#patience, this.#again, this.#frameWatch]) window.clearTimeout(timer);
    this.#patience = 0;
  }

  #followVisibility(): void {
    if (document.visibilityState === "hidden") this.#pause();
    else this.open();
  }

  #heard(data: string): void {
    window.clearTimeout(this.#patience);
    window.clearTimeout(this.#frameWatch);
    this.#patience = 0;
    this.#retry = FIRST_RETRY_MS;
    const event = readState(data);
    if (event !== undefined) this.#listener.state(event);
  }

  #framed(text: string): void {
    window.clearTimeout(this.#frameWatch);
    this.#frameWatch = window.setTimeout(() => {
      this.open();
      this.#away(0);
    }, FRAME_SILENCE_MS);
    this.#listener.frame(text);
  }

  #away(patience: number): void {
    if (this.#ended) return;
    window.clearTimeout(this.#patience);
    this.#patience = window.setTimeout(() => this.#listener.silence(), patience);
  }

  #failed(source: EventSource): void {
    if (source !== this.#source) return;
    if (this.#patience === 0) this.#away(PATIENCE_MS);
    // A browser tries again by itself unless it was answered with something that is no stream.
    if (source.readyState !== EventSource.CLOSED) return;
    this.#again = window.setTimeout(() => void this.#ask(source), this.#retry);
    this.#retry = Math.min(LAST_RETRY_MS, this.#retry * 2);
  }

  /** Finds out what an event source does not tell: the status of the answer that ended it. */
  async #ask(source: EventSource): Promise<void> {
    const status = await statusOf(this.#url);
    if (source !== this.#source) return;
    if (status === 204 || status === 404) {
      this.close();
      this.#listener.gone();
    } else if (status === 200) this.open();
    else this.#failed(source);
  }
}

async function statusOf(url: string): Promise<number> {
  const stop = new AbortController();
  try {
    const answer = await fetch(url, {
      headers: { accept: "text/event-stream" },
      cache: "no-store",
      signal: stop.signal,
    });
    return answer.status;
  } catch {
    return 0;
  } finally {
    stop.abort();
  }
}
