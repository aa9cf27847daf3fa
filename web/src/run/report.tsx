// The report's own sections: all of them, or some where they belong.

import { useEffect, useRef } from "preact/hooks";

import type { Run, Section } from "../api.ts";
import { Empty } from "../parts/ui.tsx";

export function ReportTab({ run }: { run: Run }) {
  if (run.sections.length === 0) {
    return (
      <Empty title="Nothing to report yet">
        <p>The report begins with the first epoch.</p>
      </Empty>
    );
  }
  return <Sections run={run} which={() => true} />;
}

export function Sections({ run, which }: { run: { sections: Section[]; css: string }; which: (section: Section) => boolean }) {
  const shown = run.sections.filter(which);
  if (shown.length === 0) return null;
  return (
    <div class="report">
      <Style css={run.css} />
      {shown.map((section) => (
        <Markup key={section.id} html={section.html} />
      ))}
    </div>
  );
}

/** The report's own style, for its sections only. */
export function Style({ css }: { css: string }) {
  return <style>{css}</style>;
}

/** The report's markup: the server escapes all that comes from data. */
export function Markup({ html }: { html: string }) {
  const box = useRef<HTMLDivElement>(null);
  // Whoever cannot use a mouse scrolls wide figures by keys.
  useEffect(() => {
    for (const scroll of box.current?.querySelectorAll<HTMLElement>(".scroll, .figure-scroll") ?? []) scroll.tabIndex = 0;
  }, [html]);
  return <div ref={box} dangerouslySetInnerHTML={{ __html: html }} />;
}
