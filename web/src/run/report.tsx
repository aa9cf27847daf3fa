// Sections of the report that the page does not draw itself.

import { useEffect, useRef } from "preact/hooks";

import type { Run, Section } from "../api.ts";
import { Empty } from "../parts/ui.tsx";
import { belongsToAnswers } from "./answers.tsx";

/** Titles of sections that have a livelier counterpart on the page. */
const OWN = new Set(["Learning curves", "Right and wrong by class", "At other thresholds", "Most wrong", "Least sure", "Network", "Decided for you", "Warnings", "To repeat this run"]);

export function ReportTab({ run }: { run: Run }) {
  const which = (section: Section) => !OWN.has(section.title) && !belongsToAnswers(section.title);
  if (!run.sections.some(which)) {
    return (
      <Empty title="Nothing more in the report">
        <p>What the report says of this run is on the other tabs.</p>
      </Empty>
    );
  }
  return <Sections run={run} which={which} />;
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
