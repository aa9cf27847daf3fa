// The first line of a table.

/** The names of its columns, with the separator that it has. */
export function headerOf(text: string): string[] {
  const line = text.replace(/^\ufeff/, "").split(/\r?\n/, 1)[0] ?? "";
  const separator = ["\t", ";", ","].find((one) => line.includes(one)) ?? ",";
  const names = [""];
  let quoted = false;
  for (const letter of line) {
    if (letter === '"') quoted = !quoted;
    if (letter === separator && !quoted) names.push("");
    else names[names.length - 1] += letter;
  }
  return names.map((name) => name.trim().replace(/^"(.*)"$/, "$1").replaceAll('""', '"'));
}
