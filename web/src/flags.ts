// Flags in the words of an advice: `--header, or --names a,b`.

export interface Alternative {
  text: string;
  /** Whether it is a flag that can be copied. */
  flag: boolean;
}

/** What an advice names, one by one: flags with their values, and what is no flag. */
export function alternatives(advice: string): Alternative[] {
  return advice
    .split(/,? or (?=--)|, (?=--)/)
    .map((text) => text.trim())
    .filter(Boolean)
    .map((text) => ({ text, flag: /^--[a-z0-9]/.test(text) }));
}
