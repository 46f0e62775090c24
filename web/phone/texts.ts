/** Every text a person reads here. `{name}` is filled in; `.one` and `.other` are a count's two forms. */

const ENGLISH = {
  // Buttons that stand on several screens.
  "try again": "Try again",
  back: "Back",
  close: "Close",
  refuse: "Refuse",
  home: "Your connections",

  // Setting up.
  "start.title": "Set up this phone",
  "start.help": "{bank} gives you a code for this. Scan it once, and this phone is yours.",
  "start.scan": "Scan your bank’s code",
  "start.no-code": "No code yet? Ask {bank} for one.",
  "people.title": "Who do you want to be?",
  "people.help": "This is a sandbox. The people and their money are invented.",
  "people.new": "A new person",
  "people.new.help": "Invented just now, for you alone",
  "people.accounts.one": "{count} account",
  "people.accounts.other": "{count} accounts",
  "people.working": "Setting up {person}’s phone",
  "people.working.new": "Setting up the phone",
  "enrol.working": "Checking the code",
  "enrol.title": "Is this you?",
  "enrol.at": "Account holder at {bank}",
  "enrol.help": "This phone will open with your face, finger or screen lock.",
  "enrol.replaces": "This phone now belongs to {person}. That ends here.",
  "enrol.go": "Yes, set up this phone",
  "enrol.not-me": "That is not me",
  "enrol.not-me.title": "Do not use this code",
  "enrol.not-me.text": "It belongs to another person. Please tell {bank}.",

  // Opening.
  "lock.title": "Hello, {person}",
  "lock.help": "Open the app with your face, finger or screen lock.",
  "lock.go": "Sign in",
  "lock.other": "Use another person",
  "lock.again": "Set up this phone again",
  "again.title": "Are you still there?",
  "again.text": "You were away for a while. Sign in to go on.",
  "again.go": "Sign in",
  "again.stop": "Not now",

  // Home.
  "home.title": "Hello, {person}",
  "home.scan": "Scan a code",
  "home.scan.help": "To let an app see your accounts",
  "home.screen": "Scan this computer’s screen",
  "home.other": "Use another person",
  "home.offline": "You are offline. The list may be old.",
  "list.title": "Your connections",
  "list.none": "No app can see your accounts.",
  "list.none.help": "Apps that you approve stand here.",
  "list.loading": "Getting your connections",
  "list.failed": "Your connections did not load.",
  "list.new": "New",
  "list.used": "Last look",
  "list.used.never": "Not yet",
  "list.until": "Until",
  "list.accounts": "Accounts",
  "list.end": "End",
  "list.end.label": "End {client}",
  "end.title": "End {client}?",
  "end.text": "{client} stops seeing your accounts at once.",
  "end.go": "End it",
  "end.keep": "Keep it",
  "end.done": "Ended. {client} no longer sees your accounts.",

  // The scanner.
  "scan.title": "Scan the code",
  "scan.help": "Point the camera at the code on the other screen.",
  "scan.title.enrol": "Scan the code from {bank}",
  "scan.help.enrol": "Point the camera at the code you were given.",
  "scan.title.screen": "Reading your screen",
  "scan.help.screen": "Keep the moving code in sight.",
  "scan.starting": "Starting the camera",
  "scan.starting.screen": "Choose the window with the code",
  "scan.foreign": "That is not a code of {bank}.",
  "scan.newer": "This app is too old for that code. Reload it.",
  "scan.enrolment": "That code sets up a phone. This one is ready.",
  "scan.frame": "That code is for later. First scan the code for this phone.",
  "scan.stale": "That code is no longer good. Is it still moving?",
  "scan.stale.title": "That code does not work",
  "scan.stale.text": "It is too old, or it was used. Make a new code on the other screen.",
  "scan.again": "Scan again",
  "camera.refused.title": "The camera is blocked",
  "camera.refused.text": "Allow the camera for {host} in your browser’s settings. Then try again.",
  "camera.none.title": "No camera found",
  "camera.none.text": "Connect a camera, or open this app on your phone.",
  "camera.busy.title": "The camera does not start",
  "camera.busy.text": "Another app may be using it. Close that app and try again.",
  "screen.refused.title": "No screen was shared",
  "screen.refused.text": "Choose the window or tab that shows the code.",
  "screen.unable.title": "This browser cannot read the screen",
  "screen.unable.text": "Use the camera, or another browser on a computer.",
  "screen.ended.title": "Sharing stopped",
  "screen.ended.text": "No code was read. Share the window with the code again.",

  // Who asks.
  "ask.title": "{client} wants to see your accounts",
  "ask.verified": "Verified: {name}",
  "ask.unverified": "Not verified: {name}",
  "ask.started": "Started {when} on",
  "ask.question": "Is that screen in front of you?",
  "ask.warning": "Someone sent you this code? Then refuse.",
  "ask.go": "Continue",
  "ago.now": "just now",
  "ago.seconds": "{count} s ago",
  "ago.minutes": "{count} min ago",

  // What is asked.
  "choose.title": "Choose what {client} may see",
  "choose.asked": "What it sees",
  "choose.accounts": "Which accounts",
  "choose.ending": "ending in {digits}",
  "choose.count": "{count} of {total} chosen",
  "choose.none": "Choose at least one account first.",
  "choose.approve": "Approve",
  "scope.accounts": "Account names and numbers",
  "scope.balances": "How much is in them",
  "scope.transactions": "Payments in and out",
  "scope.later": "It looks again until {date}",
  "scope.once": "This one time only",
  "scope.no-payments": "It cannot move money",

  // Signing.
  "confirm.title": "Confirm with your passkey",
  "confirm.help": "Check this, then use your face, finger or screen lock.",
  "confirm.failed.title": "Not approved yet",
  "confirm.failed": "Your passkey was not used. Nothing is shared.",
  "confirm.unable": "This browser cannot use your passkey. Nothing is shared.",
  "confirm.change": "Change accounts",

  // After it.
  "done.title": "Done. Go back to your computer",
  "done.text.one": "{client} can see {count} account until {date}.",
  "done.text.other": "{client} can see {count} accounts until {date}.",
  "done.once.one": "{client} can see {count} account this one time.",
  "done.once.other": "{client} can see {count} accounts this one time.",
  "done.end": "You can end this at any time.",
  "refused.title": "Refused",
  "refused.text": "{client} sees nothing. You can close the page on your computer.",
  "ended.cancelled.title": "Stopped on the computer",
  "ended.cancelled.text": "The request was cancelled there. {client} sees nothing.",
  "ended.killed.title": "Stopped for your safety",
  "ended.killed.text": "The code was scanned more than once. {client} sees nothing. Start again on your computer.",
  "ended.expired.title": "Too late",
  "ended.expired.text": "This took too long. {client} sees nothing. Start again on your computer.",
  "ended.unfinished.title": "Your computer did not finish",
  "ended.unfinished.text": "The page there did not go on in time. {client} sees nothing. Start again.",
  "stop.title": "Stop here?",
  "stop.text": "{client} is still waiting for your answer.",
  "stop.keep": "Keep going",

  // What can go wrong anywhere.
  "problem.offline.title": "You are offline",
  "problem.offline.text": "Check your internet. Then try again.",
  "problem.unreachable.title": "{bank} does not answer",
  "problem.unreachable.text": "Is your internet working? Then try again in a moment.",
  "problem.server.title": "{bank} has a problem",
  "problem.server.text": "Wait a moment. Then try again.",
  "problem.slow.title": "That was a bit much",
  "problem.slow.text": "Too many tries in a short time. Wait a minute and try again.",
  "problem.state.title": "This request has moved on",
  "problem.state.text": "It cannot be answered any more. Start again on your computer.",
  "problem.scanned.title": "Someone else scanned it too",
  "problem.scanned.text": "The request was stopped, so nothing is shared. Start again on your computer.",
  "problem.code.title": "That code no longer works",
  "problem.code.text": "It was used, or it is too old. Ask {bank} for a new one.",
  "problem.code.sandbox": "It was used, or it is too old. Choose a person again.",
  "problem.clock.title": "The check did not pass",
  "problem.clock.text": "Is this phone’s clock right? Set it and try again.",
  "problem.document.title": "Something does not match",
  "problem.document.text": "The request changed on its way. Nothing is shared. Please tell {bank}.",
  "problem.forgotten.title": "{bank} no longer knows this phone",
  "problem.forgotten.text": "Set it up again. Your connections are still there.",
  "problem.request.title": "That did not work",
  "problem.request.text": "Nothing is shared. Go back and try again.",
  "problem.passkey.title": "Your passkey was not used",
  "problem.passkey.text": "Nothing has changed. Try again when you are ready.",
  "problem.passkey.create.title": "No passkey was saved",
  "problem.passkey.create.text": "Nothing has changed. Try again when you are ready.",
  "problem.passkey.unable.title": "This browser has no passkeys",
  "problem.passkey.unable.text": "Use a newer browser, with a screen lock on the phone.",
  "problem.passkey.exists.title": "This phone has your passkey",
  "problem.passkey.exists.text": "Remove the old passkey in your phone’s settings. Then try again.",
  "problem.keys.title": "This browser keeps nothing",
  "problem.keys.text": "Leave private browsing, or use another browser.",
  "problem.bug.title": "Something went wrong here",
  "problem.bug.text": "Nothing is shared. Reload the app and try again.",
} as const;

export type TextKey = keyof typeof ENGLISH;
type Counted<Key> = Key extends `${infer Stem}.other` ? Stem : never;
export type CountedKey = Counted<TextKey>;
export type Values = Readonly<Record<string, string | number>>;

/** The text of a key, with its values filled in. */
export function t(key: TextKey, values: Values = {}): string {
  return ENGLISH[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The text for a count, in the form that the language has for it. */
export function tn(key: CountedKey, count: number, values: Values = {}): string {
  const form = new Intl.PluralRules("en").select(count) === "one" ? "one" : "other";
  return t(`${key}.${form}` as TextKey, { ...values, count });
}

/** For checks of how they are written. */
export const ALL_TEXTS: readonly string[] = Object.values(ENGLISH);
