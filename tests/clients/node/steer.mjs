// Steers an app by its standard input: one JSON command a line, each answered with one line,
// {"answer": ...} or {"error": ...}.
import { createInterface } from "node:readline";

export async function steer(commands) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { command, ...options } = JSON.parse(line);
    let said;
    try {
      said = { answer: (await commands[command](options)) ?? null };
    } catch (error) {
      said = { error: described(error) };
    }
    console.log(JSON.stringify(said));
  }
}

function described(error) {
  const { name, message, code, status, cause } = error;
  const reason = cause instanceof Error ? cause.message : message;
  return { name, reason, code, status, error: error.error ?? error.data?.payload?.error };
}
