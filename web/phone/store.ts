/** What this browser remembers: for each person a device key and the phone it belongs to (IndexedDB). */

import type { DeviceKey } from "./proof.ts";
import type { Person } from "./wire.ts";

export interface Phone {
  readonly personId: string;
  readonly personName: string;
  readonly phoneId: string;
  readonly key: DeviceKey;
  /** The hash of the enrolment code: while the phone is pending, its digits come from it. */
  readonly joinedWith?: string;
}

/** The browser cannot keep keys (private windows of some browsers). */
export class KeepsNothing extends Error {}

const PHONES = "phones";
const CHOICE = "choice";

export class PhoneStore {
  readonly #name: string;
  #opening: Promise<IDBDatabase> | undefined;

  constructor(name = "endorse-phone") {
    this.#name = name;
  }

  /** The phone that was used last. */
  async current(): Promise<Phone | undefined> {
    const personId = await this.#read<string>(CHOICE, "person");
    return personId === undefined ? undefined : this.of(personId);
  }

  of(personId: string): Promise<Phone | undefined> {
    return this.#read<Phone>(PHONES, personId);
  }

  /** Keeps a phone and makes it the current one. */
  async keep(phone: Phone): Promise<void> {
    await this.#write((phones, choice) => {
      phones.put(phone);
      choice.put(phone.personId, "person");
    });
  }

  async forget(person: Pick<Person, "id">): Promise<void> {
    await this.#write((phones, choice) => {
      phones.delete(person.id);
      choice.delete("person");
    });
  }

  async #read<Value>(name: string, key: string): Promise<Value | undefined> {
    const database = await this.#open();
    return finished<Value | undefined>(database.transaction(name).objectStore(name).get(key));
  }

  async #write(change: (phones: IDBObjectStore, choice: IDBObjectStore) => void): Promise<void> {
    const database = await this.#open();
    const transaction = database.transaction([PHONES, CHOICE], "readwrite", { durability: "strict" });
    change(transaction.objectStore(PHONES), transaction.objectStore(CHOICE));
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(new KeepsNothing("IndexedDB does not write", { cause: transaction.error }));
    });
  }

  async #open(): Promise<IDBDatabase> {
    this.#opening ??= openDatabase(this.#name);
    return this.#opening;
  }
}

async function openDatabase(name: string): Promise<IDBDatabase> {
  try {
    const opening = indexedDB.open(name, 1);
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore(PHONES, { keyPath: "personId" });
      opening.result.createObjectStore(CHOICE);
    };
    return await finished(opening);
  } catch (cause) {
    throw new KeepsNothing("IndexedDB does not open", { cause });
  }
}

function finished<Result>(request: IDBRequest): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result as Result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB failed"));
  });
}
