/** What the server wrote into the page about itself. */

export interface Config {
  readonly issuer: string;
  readonly host: string;
  readonly bank: string;
  readonly sandbox: boolean;
}

export function readConfig(page: Document): Config {
  const { dataset } = page.body;
  const issuer = dataset["issuer"];
  if (!issuer) throw new Error("The page names no issuer.");
  return {
    issuer,
    host: new URL(issuer).host,
    bank: dataset["bank"] ?? new URL(issuer).host,
    sandbox: dataset["sandbox"] === "true",
  };
}
