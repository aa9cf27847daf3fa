// What the doctor found, and the run's warnings.

import { readWarning } from "../advice.ts";
import type { Finding, Run } from "../api.ts";
import { capital } from "../format.ts";
import { Card, Command } from "../parts/ui.tsx";

/** The look of each severity. */
const LOOK = { severe: "bad", warning: "warn", hint: "info" } as const;

export function Findings({ run }: { run: Run }) {
  const findings = run.findings ?? [];
  const warnings = run.warning_texts.map(readWarning);
  if (findings.length === 0 && warnings.length === 0) return null;
  return (
    <Card title="What to look at" class="findings">
      <ul>
        {findings.map((finding) => (
          <FindingItem key={`${finding.code} ${finding.what}`} finding={finding} />
        ))}
        {warnings.map((warning) => (
          <li key={warning.what} class="finding warn">
            <div class="finding-head">
              <span class="severity">Warning</span>
              <strong>{capital(warning.what)}</strong>
            </div>
            {warning.remedy && <p>{capital(warning.remedy)}</p>}
          </li>
        ))}
      </ul>
    </Card>
  );
}

function FindingItem({ finding }: { finding: Finding }) {
  const { code, severity, what, evidence, prescription } = finding;
  return (
    <li class={`finding ${LOOK[severity] ?? "info"}`}>
      <div class="finding-head">
        <span class="severity">{capital(severity)}</span>
        <strong>{what}</strong>
        <code class="code">{code}</code>
      </div>
      <p>{evidence}</p>
      {prescription?.command && <Command text={prescription.command} />}
      {prescription?.expected && <p class="muted">Expected: {prescription.expected}</p>}
    </li>
  );
}
