// What the terminal says, taken apart: flags in an advice, the remedy of a warning.

interface Alternative {
  text: string;
  /** Whether it is a flag that can be copied. */
  flag: boolean;
}

/** What an advice such as `--header, or --names a,b` names, one by one: flags with their values, and what is no flag. */
export function alternatives(advice: string): Alternative[] {
  return advice
    .split(/,? or (?=--)|, (?=--)/)
    .map((text) => text.trim())
    .filter(Boolean)
    .map((text) => ({ text, flag: /^--[a-z0-9]/.test(text) }));
}

/** A warning, with its remedy after `fix:` on a line of its own. */
export function readWarning(text: string): { what: string; remedy: string } {
  const [what = "", remedy = ""] = text.split(/\n\s*fix: /, 2);
  return { what, remedy };
}
