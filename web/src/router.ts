// Addresses: what stands after the # says which page is shown and how.

export type Route =
  | { page: "runs" }
  | { page: "run"; id: string; tab: string }
  | { page: "try"; id: string }
  | { page: "compare"; runs: string[] }
  | { page: "studies" }
  | { page: "study"; id: string }
  | { page: "play"; id: string }
  | { page: "missing"; hash: string };

export function parse(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#/, "").split("?", 2);
  const parts = path.split("/").filter((part) => part !== "");
  const [page, id, more] = parts.map(decode);
  const asked = new URLSearchParams(query);
  if (page === undefined) return { page: "runs" };
  if (page === "run" && id && more === undefined) return { page: "run", id, tab: asked.get("tab") ?? "learning" };
  if (page === "run" && id && more === "try" && parts.length === 3) return { page: "try", id };
  if (page === "compare") {
    // Split before decoding: an id may hold a comma.
    const runs = /(?:^|&)runs=([^&]*)/.exec(query)?.[1] ?? "";
    return { page: "compare", runs: runs.split(",").filter(Boolean).map(decode) };
  }
  if (page === "studies") return { page: "studies" };
  if (page === "study" && id) return { page: "study", id };
  if (page === "play" && more === undefined) return { page: "play", id: id ?? "" };
  return { page: "missing", hash };
}

/** An id is one part of the path, even if it holds slashes. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const link = {
  runs: () => "#/",
  run: (id: string, tab?: string) => `#/run/${encodeURIComponent(id)}${tab && tab !== "learning" ? `?tab=${tab}` : ""}`,
  attempt: (id: string) => `#/run/${encodeURIComponent(id)}/try`,
  compare: (ids: string[]) => `#/compare?runs=${ids.map(encodeURIComponent).join(",")}`,
  play: (lesson?: string) => `#/play${lesson ? `/${lesson}` : ""}`,
  studies: () => "#/studies",
  study: (id: string) => `#/study/${encodeURIComponent(id)}`,
};
